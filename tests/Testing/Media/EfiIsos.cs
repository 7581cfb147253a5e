namespace Lamina.Testing.Media;

/// <summary>ISOs that boot by UEFI only: one that nobody has signed, and one with Debian's signed boot loaders. What they say is said in `efi-iso.sh` beside this file.</summary>
public sealed record EfiIsos
{
    public const string UnsignedSays = "UNSIGNED-GRUB";
    public const string SignedSays = "SIGNED-GRUB";

    public required string Unsigned { get; init; }
    public required string Signed { get; init; }

    /// <summary>Makes them (about a second) or finds them.</summary>
    public static async Task<EfiIsos> GetAsync(CancellationToken cancellation)
    {
        string[] scripts = [Repository.PathOf("tests", "Testing", "Media", "efi-iso.sh")];
        var folder = await MediaCache.GetAsync("efi-iso", scripts, TimeSpan.FromMinutes(1), cancellation);
        return new EfiIsos { Unsigned = Path.Combine(folder, "unsigned.iso"), Signed = Path.Combine(folder, "signed.iso") };
    }
}
