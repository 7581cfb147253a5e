using System.Security.Cryptography;
using System.Text;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;

namespace Lamina.Server.Auth;

/// <summary>What is legal for role bindings.</summary>
internal static class BindingRules
{
    /// <summary>One per subject and scope, so binding again replaces.</summary>
    public static string IdOf(string subject, string scope) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{subject}\n{scope}")).AsSpan(0, 16));

    public static void Check(CacheSnapshot snapshot, Binding binding, InputProblems problems)
    {
        if (!IsKnown(snapshot, binding.Subject)) problems.Add(
            "$.subject", "subject.unknown", $"There is no '{Suggestions.Shorten(binding.Subject)}': write user:NAME or token:NAME of one that exists.");
        CheckScope(snapshot, binding.Scope, "$.scope", problems);
    }

    public static void CheckScope(CacheSnapshot snapshot, string scope, string path, InputProblems problems)
    {
        if (scope != Rights.EveryScope && snapshot.Get(Keys.Projects, scope) is null)
            problems.Add(path, "project.unknown", $"There is no project '{Suggestions.Shorten(scope)}'; write the name of one, or * for all.");
    }

    /// <summary>
    /// True when without this binding (or user) nobody is left who may administer the installation by logging in. Root on the local socket always may.
    /// </summary>
    /// <param name="snapshot">The state.</param>
    /// <param name="goneBinding">Id of a binding taken away or lowered; null: none.</param>
    /// <param name="goneUser">A user being disabled; null: none.</param>
    public static bool LeavesNoAdmin(CacheSnapshot snapshot, string? goneBinding, string? goneUser)
    {
        var admins = snapshot.All(Keys.Bindings)
            .Where(binding => binding.Record is { Role: Role.Admin, Scope: Rights.EveryScope })
            .Where(binding => snapshot.Get(Keys.Users, UserOf(binding.Record.Subject) ?? "")?.Record is { Disabled: false })
            .ToArray();
        return admins.Length > 0 && admins.All(binding => binding.Id == goneBinding || UserOf(binding.Record.Subject) == goneUser);
    }

    private static bool IsKnown(CacheSnapshot snapshot, string subject) =>
        UserOf(subject) is { } user ? snapshot.Get(Keys.Users, user) is not null
        : subject.StartsWith(Subjects.TokenPrefix, StringComparison.Ordinal) && snapshot.Get(Keys.Tokens, subject[Subjects.TokenPrefix.Length..]) is not null;

    private static string? UserOf(string subject) =>
        subject.StartsWith(Subjects.UserPrefix, StringComparison.Ordinal) ? subject[Subjects.UserPrefix.Length..] : null;
}
