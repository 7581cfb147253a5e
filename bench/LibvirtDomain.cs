namespace Lamina.Bench;

/// <summary>The same guest in libvirt's words (https://libvirt.org/formatdomain.html): machine, CPU, memory, ports and devices as Lamina gives them.</summary>
internal static class LibvirtDomain
{
    private const int RootPorts = 24;

    public static string Xml(string name, string machine, string disk, string image, string bridge) => $"""
        <domain type='qemu'>
          <name>{name}</name>
          <memory unit='MiB'>{LaminaGuest.DefaultMemoryMiB}</memory>
          <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
          <vcpu current='1'>2</vcpu>
          <os><type arch='x86_64' machine='{machine}'>hvm</type><boot dev='hd'/></os>
          <features><acpi/><vmport state='off'/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
          <cpu mode='custom' match='exact' check='none'><model>Westmere</model><topology sockets='1' cores='2' threads='1'/></cpu>
          <clock offset='utc'/>
          <devices>
            <emulator>/usr/bin/qemu-system-x86_64</emulator>
            <controller type='pci' model='pcie-root'/>
        {string.Concat(Enumerable.Range(1, RootPorts).Select(port => $"    <controller type='pci' index='{port}' model='pcie-root-port'/>\n"))}    <controller type='usb' model='qemu-xhci'/>
            <disk type='file' device='disk'>
              <driver name='qemu' type='qcow2' discard='unmap'/>
              <source file='{disk}'/>
              <backingStore type='file'><format type='qcow2'/><source file='{image}'/><backingStore/></backingStore>
              <target dev='vda' bus='virtio'/>
            </disk>
            <interface type='bridge'>
              <mac address='52:54:00:be:9c:02'/><source bridge='{bridge}'/><model type='virtio'/><mtu size='1450'/><rom enabled='no'/>
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
