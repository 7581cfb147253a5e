namespace Lamina.Bench;

/// <summary>What the guest is called, has and boots from.</summary>
internal sealed record LibvirtWish
{
    public required string Name { get; init; }
    public required string Machine { get; init; }
    public required string Disk { get; init; }

    /// <summary>What the disk is a layer over; null: nothing.</summary>
    public string? Image { get; init; }
    public required string Bridge { get; init; }
    public int MemoryMiB { get; init; } = LaminaGuest.DefaultMemoryMiB;

    /// <summary>Elements of <c>os</c>.</summary>
    public string Boot { get; init; } = "<boot dev='hd'/>";
}

/// <summary>The same guest in libvirt's words (https://libvirt.org/formatdomain.html): machine, CPU, memory, ports and devices as Lamina gives them.</summary>
internal static class LibvirtDomain
{
    private const int RootPorts = 24;

    public static string Xml(LibvirtWish wish) => $"""
        <domain type='qemu'>
          <name>{wish.Name}</name>
          <memory unit='MiB'>{wish.MemoryMiB}</memory>
          <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
          <vcpu current='1'>2</vcpu>
          <os><type arch='x86_64' machine='{wish.Machine}'>hvm</type>{wish.Boot}</os>
          <features><acpi/><vmport state='off'/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
          <cpu mode='custom' match='exact' check='none'><model>Westmere</model><topology sockets='1' cores='2' threads='1'/></cpu>
          <clock offset='utc'/>
          <devices>
            <emulator>/usr/bin/qemu-system-x86_64</emulator>
            <controller type='pci' model='pcie-root'/>
        {string.Concat(Enumerable.Range(1, RootPorts).Select(port => $"    <controller type='pci' index='{port}' model='pcie-root-port'/>\n"))}    <controller type='usb' model='qemu-xhci'/>
            <disk type='file' device='disk'>
              <driver name='qemu' type='qcow2' discard='unmap'/>
              <source file='{wish.Disk}'/>
              {(wish.Image is { } image ? $"<backingStore type='file'><format type='qcow2'/><source file='{image}'/><backingStore/></backingStore>" : "<backingStore/>")}
              <target dev='vda' bus='virtio'/>
            </disk>
            <interface type='bridge'>
              <mac address='52:54:00:be:9c:02'/><source bridge='{wish.Bridge}'/><model type='virtio'/><mtu size='1450'/><rom enabled='no'/>
            </interface>
            <serial type='pty'/>
            <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
            <input type='tablet' bus='usb'/>
            <video><model type='vga' vram='16384'/></video>
            <memballoon model='virtio' freePageReporting='on'/>
            <rng model='virtio'><backend model='builtin'/></rng>
          </devices>
        </domain>
        """;
}
