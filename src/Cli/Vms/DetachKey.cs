namespace Lamina.Cli.Vms;

/// <summary>
/// Ctrl-] leaves the console, as in telnet and virsh. Pressed twice, it goes to the guest once. Pure: bytes in, what to send and
/// whether to leave out.
/// </summary>
internal sealed class DetachKey
{
    public const byte Key = 0x1d;

    private bool pressed;

    /// <returns>The bytes for the guest, or null when the person leaves.</returns>
    public byte[]? Filter(ReadOnlySpan<byte> typed)
    {
        var sent = new List<byte>(typed.Length);
        foreach (var value in typed)
        {
            if (pressed && value != Key) return null;
            if (value != Key || pressed) sent.Add(value);
            pressed = value == Key && !pressed;
        }

        return [.. sent];
    }
}
