using System.Security.Cryptography;
using System.Text;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Auth;

/// <summary>
/// Makes the user <c>admin</c> when the store has no user at all. The password lies in a root-only file before the user is committed, so that a death
/// between the two loses nothing: the next start takes it from there.
/// </summary>
internal static class FirstAdmin
{
    public const string Name = "admin";
    public const string PasswordFile = "admin-password";

    // No characters that are mistaken for others; 24 of these 32 are 120 bits.
    private const string Alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
    private const int Length = 24;

    /// <summary>The password when the user was made now, to be shown this once; null: there are users already.</summary>
    public static async Task<string?> EnsureAsync(
        IStore store, CacheSnapshot snapshot, Passwords passwords, string dataFolder, TimeProvider time, CancellationToken cancellationToken)
    {
        if (snapshot.Count(Keys.Users) > 0) return null;
        byte[] file = SecretFile.ReadOrCreate(Path.Combine(dataFolder, PasswordFile), static () => Encoding.ASCII.GetBytes(NewPassword() + "\n"));
        string password = Encoding.ASCII.GetString(file).Trim();
        var user = new UserRecord
        {
            Name = Name,
            PasswordHash = await passwords.HashAsync(Name, password, cancellationToken),
            FirstPassword = true,
            CreatedAt = time.GetUtcNow(),
        };
        var binding = new RoleBinding { Subject = Subjects.User(Name), Role = Role.Admin, Scope = Rights.EveryScope };
        var commit = await new StoreChange("user.create")
            .Create(Keys.Users, Name, user)
            .Put(Keys.Bindings, BindingRules.IdOf(binding.Subject, binding.Scope), binding)
            .CommitAsync(store, time, cancellationToken);
        return commit.Succeeded ? password : null;
    }

    private static string NewPassword() => RandomNumberGenerator.GetString(Alphabet, Length);
}
