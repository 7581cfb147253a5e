using Lamina.Testing.Media;

namespace Lamina.Testing.Checker;

/// <summary>The guest that judges what is done to it: the small Linux with the checker in it (checker.c says what that does). Ready in some 4 s under TCG, with 128 MiB or more.</summary>
public sealed record CheckerMedia
{
    public required string Kernel { get; init; }

    public required string Initrd { get; init; }

    /// <summary>Makes it (some seconds after the small Linux) or finds it.</summary>
    public static async Task<CheckerMedia> GetAsync(CancellationToken cancellation)
    {
        var small = await SmallLinux.GetAsync(cancellation);
        string here = Repository.PathOf("tests", "Testing", "Checker");
        string[] scripts = [Path.Combine(here, "checker-guest.sh"), Path.Combine(here, "checker.c")];
        string folder = await MediaCache.GetAsync("checker", scripts, TimeSpan.FromMinutes(2), cancellation, small.Initrd);
        return new CheckerMedia { Kernel = small.Kernel, Initrd = Path.Combine(folder, "initrd.gz") };
    }
}
