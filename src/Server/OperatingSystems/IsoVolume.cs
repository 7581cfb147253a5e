using System.Text;

namespace Lamina.Server.OperatingSystems;

/// <summary>What an ISO 9660 medium says of itself in its primary volume descriptor (ECMA-119, 8.4). Whoever made the medium wrote it: any text, never trusted.</summary>
internal sealed record IsoVolume(string Volume, string System = "", string Publisher = "", string Application = "")
{
    private const int DescriptorBytes = 2048;

    /// <param name="descriptor">The sector of the primary volume descriptor.</param>
    public static IsoVolume Read(ReadOnlySpan<byte> descriptor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(descriptor.Length, DescriptorBytes);
        return new(Text(descriptor.Slice(40, 32)), Text(descriptor.Slice(8, 32)), Text(descriptor.Slice(318, 128)), Text(descriptor.Slice(574, 128)));
    }

    private static string Text(ReadOnlySpan<byte> field) => Encoding.Latin1.GetString(field).TrimEnd(' ', '\0');
}
