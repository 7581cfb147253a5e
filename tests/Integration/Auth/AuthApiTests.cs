using System.Net;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Auth;

/// <summary>Who may what, through a whole daemon.</summary>
public sealed class AuthApiTests(SharedDaemon shared) : IClassFixture<SharedDaemon>, IAsyncLifetime
{
    private const string Password = "correct horse battery";

    private string? _ca;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private LaminaClient Root => shared.Daemon.Client;

    public async ValueTask InitializeAsync() => _ca = await CaPin.FetchAsync(shared.Daemon.Address, shared.Daemon.Daemon.CaFingerprint, Token);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Without_a_log_in_only_what_is_public_answers()
    {
        string[] open = ["GET /healthz", "GET /v1", "GET /v1/ca", "POST /v1/sessions", "GET /v1/vms/{vm}/console/serial", "GET /v1/vms/{vm}/console/vnc"];
        var paths = JsonNode.Parse(await shared.Daemon.Daemon.DescribeApiAsync())!["paths"]!.AsObject();
        using var http = Http();
        int asked = 0;
        foreach (var (path, methods) in paths)
        {
            foreach (string method in methods!.AsObject().Select(pair => pair.Key.ToUpperInvariant()).Where(method => method is "GET" or "POST" or "PUT" or "PATCH" or "DELETE" or "HEAD"))
            {
                if (open.Contains($"{method} {path}")) continue;
                string filled = System.Text.RegularExpressions.Regex.Replace(path, @"\{[^}]+\}", "x");
                using var answer = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), filled), Token);
                Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path} answers {(int)answer.StatusCode} to nobody");
                asked++;
            }
        }

        Assert.True(asked > 30, $"only {asked} endpoints were found");
    }

    [Fact]
    public async Task A_session_begins_with_the_password_and_ends_with_the_log_out()
    {
        await UserAsync("ann", Role.Operator);
        using var ann = await LogInAsync("ann");
        Assert.Equal("user:ann", (await ann.Server.WhoAmIAsync(Token)).Subject);
        await ann.Sessions.DeleteAsync(Token);
        Assert.Equal("auth.required", await CodeAsync(ann.Server.WhoAmIAsync(Token)));
    }

    [Fact]
    public async Task One_ends_ones_own_sessions_and_an_administrator_everybodys()
    {
        await UserAsync("sara", Role.Viewer);
        await UserAsync("timo", Role.Operator);
        using var here = await LogInAsync("sara");
        using var there = await LogInAsync("sara");
        using var other = await LogInAsync("timo");
        var own = await here.Sessions.ListAsync(Token).ToListAsync(Token);
        Assert.All(own, session => Assert.Equal("sara", session.User));
        Assert.Equal([false, true], own.Select(session => session.Current).Order());
        string others = (await other.Sessions.ListAsync(Token).ToListAsync(Token)).Single().Id;
        Assert.Equal("session.notFound", await CodeAsync(here.Sessions.EndAsync(others, Token)));

        await using var followed = there.Server.WatchAsync(["vms"], Token).GetAsyncEnumerator(Token);
        Assert.True(await followed.MoveNextAsync());
        await here.Sessions.EndAsync(own.Single(session => !session.Current).Id, Token);
        await Assert.ThrowsAsync<LaminaException>(async () =>
        {
            while (await followed.MoveNextAsync()) { }
        });
        Assert.Equal("auth.required", await CodeAsync(there.Server.WhoAmIAsync(Token)));
        Assert.Equal("user:sara", (await here.Server.WhoAmIAsync(Token)).Subject);

        Assert.Contains(await Root.Sessions.ListAsync(Token).ToListAsync(Token), session => session.Id == others);
        await Root.Sessions.EndAsync(others, Token);
        Assert.Equal("auth.required", await CodeAsync(other.Server.WhoAmIAsync(Token)));
    }

    [Fact]
    public async Task Unknown_users_wrong_passwords_and_disabled_users_get_the_same_answer()
    {
        await UserAsync("dora", Role.Viewer);
        await Root.Users.UpdateAsync("dora", new UserUpdate { Disabled = true }, Token);
        await UserAsync("vera", Role.Viewer);
        using var nobody = new LaminaClient(Options(null));
        var answers = new List<Problem>();
        foreach (var (user, password) in new[] { ("nobody", Password), ("vera", "wrong horse battery"), ("dora", Password) })
        {
            var refusal = await Assert.ThrowsAsync<LaminaException>(() => nobody.Sessions.CreateAsync(new SessionCreate { User = user, Password = password }, Token));
            answers.Add(refusal.Problem with { RequestId = null });
        }

        Assert.All(answers, answer => Assert.Equal(answers[0], answer));
        Assert.Equal((401, "auth.failed"), (answers[0].Status, answers[0].Code));
    }

    [Fact]
    public async Task Roles_bound_what_one_may()
    {
        await UserAsync("viola", Role.Viewer);
        await UserAsync("otis", Role.Operator);
        using var viewer = await LogInAsync("viola");
        using var operates = await LogInAsync("otis");
        Assert.NotEmpty(await viewer.Hosts.ListAsync(Token).ToListAsync(Token));
        foreach (var client in new[] { viewer, operates })
        {
            Assert.Equal("auth.denied", await CodeAsync(client.Projects.CreateAsync(new Project { Name = "theirs" }, Token)));
            Assert.Equal("auth.denied", await CodeAsync(client.Users.CreateAsync(new UserCreate { Name = "eve", Password = Password }, Token)));
            Assert.Equal("auth.denied", await CodeAsync(client.Server.DoctorAsync(null, Token)));
            Assert.Equal("auth.denied", await CodeAsync(client.Bindings.CreateAsync(new Binding { Subject = "user:otis", Role = Role.Admin, Scope = "*" }, Token)));
            Assert.Equal("auth.denied", await CodeAsync(client.Users.SetPasswordAsync("admin", new PasswordChange { Password = Password }, Token)));
        }
    }

    [Fact]
    public async Task Whoever_is_bound_to_a_project_sees_only_that()
    {
        await Root.Projects.CreateAsync(new Project { Name = "shop", Description = "web shop" }, Token);
        await Root.Projects.CreateAsync(new Project { Name = "lab" }, Token);
        await Root.Users.CreateAsync(new UserCreate { Name = "sam", Password = Password, Role = Role.Admin, Scope = "shop" }, Token);
        using var sam = await LogInAsync("sam", "shop");
        Assert.Equal(["shop"], (await sam.Projects.ListAsync(Token).ToListAsync(Token)).Select(project => project.Name));
        Assert.Equal("project.notFound", await CodeAsync(sam.Projects.GetAsync("lab", Token)));
        await sam.Images.ListAsync(Token).ToListAsync(Token);
        using var elsewhere = await LogInAsync("sam", "lab");
        Assert.Equal("auth.denied", await CodeAsync(elsewhere.Images.ListAsync(Token).ToListAsync(Token).AsTask()));

        await UserAsync("tim", null);
        var bound = await sam.Bindings.CreateAsync(new Binding { Subject = "user:tim", Role = Role.Viewer, Scope = "shop" }, Token);
        Assert.Equal("auth.denied", await CodeAsync(sam.Bindings.CreateAsync(new Binding { Subject = "user:tim", Role = Role.Viewer, Scope = "lab" }, Token)));
        Assert.All(await sam.Bindings.ListAsync(Token).ToListAsync(Token), binding => Assert.Equal("shop", binding.Scope));
        await sam.Bindings.DeleteAsync(bound.Id!, Token);
    }

    [Fact]
    public async Task How_hosts_are_chosen_is_of_the_installation_which_an_administrator_of_a_project_does_not_change()
    {
        await Root.Users.CreateAsync(new UserCreate { Name = "adele", Password = Password, Role = Role.Admin, Scope = ProjectRecord.DefaultProject }, Token);
        using var adele = await LogInAsync("adele");
        Assert.Equal("auth.denied", await CodeAsync(adele.Placement.UpdateAsync(new PlacementSettingsUpdate { Balance = BalanceMode.Off }, Token)));
        Assert.Equal(BalanceMode.Advise, (await adele.Placement.GetAsync(Token)).Value.Settings.Balance);
    }

    [Fact]
    public async Task Views_follow_their_user_to_another_browser_and_nobody_elses()
    {
        await UserAsync("wanda", Role.Viewer);
        await UserAsync("willi", Role.Operator);
        using var here = await LogInAsync("wanda");
        using var there = await LogInAsync("wanda");
        using var other = await LogInAsync("willi");
        await here.Views.SaveAsync("vms", "a/b 내 것", new SavedViewUpdate { Query = "filter=web" }, Token);
        await there.Views.SaveAsync("vms", "a/b 내 것", new SavedViewUpdate { Query = "filter=db" }, Token);
        await there.Views.SaveAsync("hosts", "big", new SavedViewUpdate { Query = "sort=-memory" }, Token);
        Assert.Equal(
            [new SavedView { Table = "hosts", Name = "big", Query = "sort=-memory" }, new SavedView { Table = "vms", Name = "a/b 내 것", Query = "filter=db" }],
            await here.Views.ListAsync(Token).OrderBy(view => view.Table).ToListAsync(Token));
        Assert.Empty(await other.Views.ListAsync(Token).ToListAsync(Token));
        Assert.Equal("view.notFound", await CodeAsync(other.Views.DeleteAsync("hosts", "big", Token)));
        await here.Views.DeleteAsync("vms", "a/b 내 것", Token);
        Assert.Equal(["big"], (await there.Views.ListAsync(Token).ToListAsync(Token)).Select(view => view.Name));
        Assert.Equal("view.noUser", await CodeAsync(Root.Views.SaveAsync("vms", "mine", new SavedViewUpdate { Query = "" }, Token)));
    }

    [Fact]
    public async Task A_token_has_its_role_and_never_more_than_its_maker()
    {
        await UserAsync("max", Role.Operator);
        using var max = await LogInAsync("max");
        Assert.Equal("token.tooMuch", await CodeAsync(max.Tokens.CreateAsync(new TokenCreate { Name = "root", Role = Role.Admin }, Token)));
        var made = await max.Tokens.CreateAsync(new TokenCreate { Name = "ci", Role = Role.Viewer, Scope = "default" }, Token);
        using var ci = new LaminaClient(Options(made.Secret));
        Assert.Equal("token:ci", (await ci.Server.WhoAmIAsync(Token)).Subject);
        Assert.NotEmpty(await ci.Hosts.ListAsync(Token).ToListAsync(Token));
        Assert.Equal("token.byToken", await CodeAsync(ci.Tokens.CreateAsync(new TokenCreate { Name = "child" }, Token)));

        // An administrator lifts the token above its maker: in vain.
        await Root.Bindings.CreateAsync(new Binding { Subject = "token:ci", Role = Role.Admin, Scope = "*" }, Token);
        Assert.Equal("auth.denied", await CodeAsync(ci.Server.DoctorAsync(null, Token)));
        await max.Tokens.DeleteAsync("ci", Token);
        Assert.Equal("auth.required", await CodeAsync(ci.Server.WhoAmIAsync(Token)));
        Assert.DoesNotContain(await Root.Bindings.ListAsync(Token).ToListAsync(Token), binding => binding.Subject == "token:ci");
    }

    [Fact]
    public async Task A_disabled_users_session_and_token_end_at_once()
    {
        await UserAsync("dan", Role.Operator);
        using var session = await LogInAsync("dan");
        using var token = new LaminaClient(Options((await session.Tokens.CreateAsync(new TokenCreate { Name = "dans" }, Token)).Secret));
        await token.Server.WhoAmIAsync(Token);
        await Root.Users.UpdateAsync("dan", new UserUpdate { Disabled = true }, Token);
        Assert.Equal("auth.required", await CodeAsync(session.Server.WhoAmIAsync(Token)));
        Assert.Equal("auth.required", await CodeAsync(token.Server.WhoAmIAsync(Token)));
        await Root.Users.UpdateAsync("dan", new UserUpdate { Disabled = false }, Token);
        Assert.Equal("auth.required", await CodeAsync(session.Server.WhoAmIAsync(Token)));
        await token.Server.WhoAmIAsync(Token);
    }

    [Fact]
    public async Task A_new_password_ends_the_other_sessions()
    {
        await UserAsync("pia", Role.Viewer);
        using var here = await LogInAsync("pia");
        using var there = await LogInAsync("pia");
        Assert.Equal("auth.failed", await CodeAsync(here.Users.SetPasswordAsync("pia", new PasswordChange { Current = "not that one", Password = "another horse battery" }, Token)));
        await here.Users.SetPasswordAsync("pia", new PasswordChange { Current = Password, Password = "another horse battery" }, Token);
        await here.Server.WhoAmIAsync(Token);
        Assert.Equal("auth.required", await CodeAsync(there.Server.WhoAmIAsync(Token)));
        using var again = await LogInAsync("pia", password: "another horse battery");
    }

    [Fact]
    public async Task Every_problem_of_an_input_is_named()
    {
        var refusal = await Assert.ThrowsAsync<LaminaException>(() =>
            Root.Users.CreateAsync(new UserCreate { Name = "No Name", Password = "short", Scope = "nowhere" }, Token));
        Assert.Equal(["$.name", "$.password", "$.scope", "$.scope"], refusal.Problem.Problems!.Select(problem => problem.Path).Order());
        Assert.Equal("user.exists", await CodeAsync(Root.Users.CreateAsync(new UserCreate { Name = "admin", Password = Password }, Token)));
        Assert.Equal("user.lastAdmin", await CodeAsync(Root.Users.UpdateAsync("admin", new UserUpdate { Disabled = true }, Token)));
    }

    [Fact]
    public async Task The_local_socket_is_root_and_audited_by_uid()
    {
        await Root.Projects.CreateAsync(new Project { Name = "audited" }, Token);
        Assert.Equal("local:0", (await Root.Server.WhoAmIAsync(Token)).Subject);
        var entry = (await Root.Events.ListAuditAsync(Token).ToListAsync(Token)).Single(entry => entry.Target?.Name == "audited");
        Assert.Equal(("local:0", "POST /v1/projects", 201), (entry.Subject, entry.Action, entry.StatusCode));
        var mode = File.GetUnixFileMode(shared.Daemon.Instance.LocalSocket);
        Assert.Equal(UnixFileMode.None, mode & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute));

        // A token on the local socket has its own rights, not root's; a wrong one has none.
        using var wrong = new LaminaClient(new LaminaClientOptions { SocketPath = shared.Daemon.Instance.LocalSocket, Token = "lms_wrong" });
        Assert.Equal("auth.required", await CodeAsync(wrong.Server.WhoAmIAsync(Token)));
    }

    [Fact]
    public async Task No_secret_lies_in_the_store()
    {
        await UserAsync("ulf", Role.Viewer);
        var session = await SessionAsync("ulf", Password);
        var token = await Root.Tokens.CreateAsync(new TokenCreate { Name = "kept" }, Token);
        foreach (string file in Directory.EnumerateFiles(shared.Daemon.Instance.StoreDirectory).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
        {
            // The daemon has the files open, and locked in SQLite's way.
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
            string content = await reader.ReadToEndAsync(Token);
            Assert.All([Password, session.Token!, token.Secret, shared.Daemon.AdminPassword], secret => Assert.DoesNotContain(secret, content, StringComparison.Ordinal));
        }
    }

    private async Task UserAsync(string name, Role? role) =>
        await Root.Users.CreateAsync(new UserCreate { Name = name, Password = Password, Role = role }, Token);

    private async Task<LaminaClient> LogInAsync(string user, string? project = null, string password = Password) =>
        new(Options((await SessionAsync(user, password)).Token) with { Project = project });

    private async Task<SessionCreated> SessionAsync(string user, string password)
    {
        using var anonymous = new LaminaClient(Options(null));
        return await anonymous.Sessions.CreateAsync(new SessionCreate { User = user, Password = password }, Token);
    }

    private LaminaClientOptions Options(string? token) => new() { Address = shared.Daemon.Address, CaPem = _ca, Token = token };

    private HttpClient Http() => new(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true } }) { BaseAddress = shared.Daemon.Address };

    private static async Task<string> CodeAsync(Task call) => (await Assert.ThrowsAsync<LaminaException>(() => call)).Problem.Code;
}
