namespace Lamina.Engine.Qemu;

/// <summary>What of the command line depends on QEMU's version; probed, never guessed from the number.</summary>
internal sealed record QemuFeatures
{
    /// <summary>
    /// virtio-net knows the USO offloads (8.2 and later). They follow the host's kernel unless switched off, which would change
    /// the machine between hosts.
    /// </summary>
    public bool VirtioNetUso { get; init; }
}
