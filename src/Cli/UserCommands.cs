using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina user …</c>, <c>lamina token …</c>, <c>lamina whoami</c></summary>
internal static class UserCommands
{
    private static readonly IReadOnlyList<Column<User>> UserColumns =
    [
        new("name", u => u.Name),
        new("state", u => u.Disabled ? "disabled" : "active"),
        new("created", u => Times.Absolute(u.CreatedAt)),
    ];

    private static readonly IReadOnlyList<Column<ApiToken>> TokenColumns =
    [
        new("name", t => t.Name),
        new("user", t => t.User),
        new("expires", t => t.ExpiresAt is { } e ? Times.Absolute(e) : "never"),
        new("created", t => Times.Absolute(t.CreatedAt)),
        new("id", t => t.Id),
    ];

    private static readonly IReadOnlyList<Column<RoleBinding>> BindingColumns =
        [new("subject", b => b.Subject), new("role", b => b.Role.ToString().ToLowerInvariant()), new("scope", b => b.Scope)];

    public static Command Users() => CommandBuilder.Noun("user", "people", ListUsers(), AddUser(), SetPassword(), Enable("enable", disabled: false), Enable("disable", disabled: true));

    public static Command Tokens() => CommandBuilder.Noun("token", "access for programs", ListTokens(), CreateToken(), DeleteToken());

    public static Command Roles() => CommandBuilder.Noun("role", "who may do what where", ListRoles(), Grant(), Revoke());

    public static Command WhoAmI() => CommandBuilder.Verb("whoami", "who you are to the server, and your rights", [], async (invocation, cancellationToken) =>
    {
        var who = await invocation.Client.Server.WhoAmIAsync(cancellationToken);
        invocation.Say(who.Subject);
        invocation.Printer.List(who.Bindings, ApiJson.Default.RoleBinding, BindingColumns);
    });

    private static Command ListUsers() => CommandBuilder.Verb("list", "the users", [], async (invocation, cancellationToken) =>
        invocation.Printer.List(await invocation.Client.Users.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.User, UserColumns));

    private static Command AddUser()
    {
        var name = new Argument<string>("name");
        var role = RoleOption();
        var scope = ScopeOption();
        return CommandBuilder.Verb("add", "add a user; the password is asked, or read from standard input", [name, role, scope], async (invocation, cancellationToken) =>
        {
            var password = Terminal.ReadSecret($"Password for {invocation.Value(name)}: ");
            var create = new UserCreate { Name = invocation.Value(name), Password = password, Role = invocation.Value(role), Scope = invocation.Value(scope) };
            await invocation.Client.Users.CreateAsync(create, cancellationToken);
            invocation.Say($"{create.Name} is added");
        });
    }

    private static Command SetPassword()
    {
        var name = new Argument<string>("name");
        return CommandBuilder.Verb("set-password", "set a user's password; asked, or read from standard input", [name], async (invocation, cancellationToken) =>
        {
            var user = invocation.Value(name);
            var who = await invocation.Client.Server.WhoAmIAsync(cancellationToken);
            var current = who.Subject == $"user:{user}" ? Terminal.ReadSecret("Your present password: ") : null;
            var change = new PasswordChange { Current = current, Password = Terminal.ReadSecret($"New password for {user}: ") };
            await invocation.Client.Users.SetPasswordAsync(user, change, cancellationToken);
            invocation.Say($"the password of {user} is changed");
        });
    }

    private static Command Enable(string verb, bool disabled)
    {
        var name = new Argument<string>("name");
        return CommandBuilder.Verb(verb, disabled ? "end a user's sessions and tokens, and let no new ones in" : "let a user in again", [name], async (invocation, cancellationToken) =>
        {
            await invocation.Client.Users.UpdateAsync(invocation.Value(name), new UserUpdate { Disabled = disabled }, cancellationToken);
            invocation.Say($"{invocation.Value(name)} is {verb}d");
        });
    }

    private static Command ListTokens() => CommandBuilder.Verb("list", "the tokens", [], async (invocation, cancellationToken) =>
        invocation.Printer.List(await invocation.Client.Tokens.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.ApiToken, TokenColumns));

    private static Command CreateToken()
    {
        var name = new Argument<string>("name");
        var role = RoleOption();
        var scope = ScopeOption();
        var expires = new Option<string?>("--expires") { Description = "for example 90d or 12h (default: never)", HelpName = "time" };
        return CommandBuilder.Verb("create", "make a token; it is shown this once", [name, role, scope, expires], async (invocation, cancellationToken) =>
        {
            var create = new TokenCreate
            {
                Name = invocation.Value(name),
                Role = invocation.Value(role),
                Scope = invocation.Value(scope),
                ExpiresAt = invocation.Value(expires) is { } text ? TimeProvider.System.GetUtcNow() + SpanOptions.Parse(text) : null,
            };
            var created = await invocation.Client.Tokens.CreateAsync(create, cancellationToken);
            if (invocation.Printer.Format == OutputFormat.Table) invocation.Printer.Text(created.Secret);
            else invocation.Printer.Show(created, ApiJson.Default.TokenCreated, [new("secret", t => t.Secret)]);
        });
    }

    private static Command DeleteToken()
    {
        var id = new Argument<string>("token") { Description = "name or id" };
        return CommandBuilder.Verb("delete", "end a token at once", [id], async (invocation, cancellationToken) =>
        {
            await invocation.Client.Tokens.DeleteAsync(invocation.Value(id), cancellationToken);
            invocation.Say($"token {invocation.Value(id)} is deleted");
        });
    }

    private static Command ListRoles() => CommandBuilder.Verb("list", "the roles of users and tokens", [], async (invocation, cancellationToken) =>
        invocation.Printer.List(await invocation.Client.Bindings.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Binding,
            [new("subject", b => b.Subject), new("role", b => b.Role.ToString().ToLowerInvariant()), new("scope", b => b.Scope), new("id", b => b.Id)]));

    private static Command Grant()
    {
        var subject = SubjectArgument();
        var role = new Argument<Role>("role") { Description = "viewer, operator or admin" };
        var scope = ScopeOption();
        return CommandBuilder.Verb("grant", "give a role; it replaces the one had there", [subject, role, scope], async (invocation, cancellationToken) =>
        {
            var binding = new Binding { Subject = Subject(invocation.Value(subject)), Role = invocation.Value(role), Scope = invocation.Value(scope) ?? "*" };
            await invocation.Client.Bindings.CreateAsync(binding, cancellationToken);
            invocation.Say($"{binding.Subject} is {binding.Role.ToString().ToLowerInvariant()} in {binding.Scope}");
        });
    }

    private static Command Revoke()
    {
        var subject = SubjectArgument();
        var scope = ScopeOption();
        return CommandBuilder.Verb("revoke", "take a role back", [subject, scope], async (invocation, cancellationToken) =>
        {
            var (who, where) = (Subject(invocation.Value(subject)), invocation.Value(scope) ?? "*");
            var bindings = await invocation.Client.Bindings.ListAsync(cancellationToken).ToListAsync(cancellationToken);
            var binding = bindings.FirstOrDefault(known => known.Subject == who && known.Scope == where)
                ?? throw new CliException(ExitCode.NotFound, $"{who} has no role in {where}", "lamina role list shows who has which");
            await invocation.Client.Bindings.DeleteAsync(binding.Id!, cancellationToken);
            invocation.Say($"{who} is no longer {binding.Role.ToString().ToLowerInvariant()} in {where}");
        });
    }

    private static Argument<string> SubjectArgument() => new("subject") { Description = "a user's name, or token:ID" };

    private static string Subject(string text) => text.Contains(':', StringComparison.Ordinal) ? text : $"user:{text}";

    private static Option<Role?> RoleOption() => new("--role") { Description = "viewer, operator or admin", HelpName = "viewer|operator|admin" };

    private static Option<string?> ScopeOption() => new("--scope") { Description = "a project, or * for all (the default)", HelpName = "project" };
}
