using Lamina.Api.Input;
using Microsoft.AspNetCore.Identity;

namespace Lamina.Server.Auth;

/// <summary>
/// Hashes and verifies passwords with the framework's hasher (PBKDF2, salted). Each verification costs tens of milliseconds of CPU on purpose, so
/// only a few run at once: log-ins must not starve guests.
/// </summary>
internal sealed class Passwords : IDisposable
{
    public const int ShortestLength = 12;
    public const int LongestLength = 256;

    private const int AtOnce = 2;
    private const int MostWaiting = 64;

    private readonly PasswordHasher<string> _hasher = new();
    private readonly SemaphoreSlim _room = new(AtOnce, AtOnce);
    private readonly Lazy<string> _nobody;
    private int _waiting;

    public Passwords() => _nobody = new Lazy<string>(() => _hasher.HashPassword("", Secret.NewSession()));

    public async Task<string> HashAsync(string user, string password, CancellationToken cancellationToken) =>
        await RunAsync(() => _hasher.HashPassword(user, password), cancellationToken);

    /// <summary>Takes as long for a user without a hash (unknown, or without a password) as for one with it.</summary>
    public async Task<bool> VerifyAsync(string user, string? hash, string password, CancellationToken cancellationToken)
    {
        if (password.Length > LongestLength) password = "";
        bool right = await RunAsync(
            () => _hasher.VerifyHashedPassword(user, hash ?? _nobody.Value, password) != PasswordVerificationResult.Failed, cancellationToken);
        return right && hash is not null;
    }

    /// <summary>Which passwords may be set: long ones; length beats required characters (NIST SP 800-63B, 5.1.1.2).</summary>
    public static void Check(string password, string user, string path, InputProblems problems)
    {
        if (password.Length < ShortestLength)
            problems.Add(path, "password.short", $"Use at least {ShortestLength} characters; a few words are easy to remember.");
        else if (password.Length > LongestLength)
            problems.Add(path, "password.long", $"Use at most {LongestLength} characters.");
        else if (password.Contains(user, StringComparison.OrdinalIgnoreCase) && password.Length < ShortestLength + user.Length)
            problems.Add(path, "password.weak", "Use a password that is not made of the user's name.");
        else if (password.Distinct().Count() < 5)
            problems.Add(path, "password.weak", "Use more than a few different characters.");
    }

    public void Dispose() => _room.Dispose();

    private async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MostWaiting) throw new ProblemException(
                ProblemKind.TooManyRequests, "auth.busy", $"{MostWaiting} log-ins wait already.", "Try again in a few seconds.");
            await _room.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        try
        {
            return await Task.Run(work, cancellationToken);
        }
        finally
        {
            _room.Release();
        }
    }
}
