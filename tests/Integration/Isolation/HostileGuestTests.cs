using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Engine.Serial;
using Lamina.Tests.Integration.Vms;

namespace Lamina.Tests.Integration.Isolation;

/// <summary>What root in a guest tries by the devices that it was given. One test for each path; the victim is a neighbour in the same network.</summary>
[Collection(nameof(TwoGuests))]
public sealed class HostileGuestTests(TwoGuests guests)
{
    private Server.Instance Instance => guests.Daemon.Daemon.Instance;

    private string Gateway => Lamina.Server.Networks.Subnet.Parse(Instance.DefaultSubnet)!.Value.Gateway;

    [Fact]
    public async Task A_disk_that_is_flooded_ends_at_its_size()
    {
        var flooded = await guests.InAsync(guests.Hostile, "dd if=/dev/urandom of=/dev/vda bs=1M; sync");
        Assert.Contains("No space left on device", flooded.Error, StringComparison.Ordinal);
        string disk = guests.Hostile.Spec.Disks.Single().Disk;
        long allocated = Directory.EnumerateFiles(Path.Combine(Instance.DefaultPoolDirectory, "disks", disk), "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
        Assert.InRange(allocated, TwoGuests.HostileDiskBytes, TwoGuests.HostileDiskBytes + (2 << 20)); // and the tables of qcow2
        await guests.AnswersAsync(guests.Victim);
    }

    [Fact]
    public async Task A_serial_line_that_is_flooded_fills_nothing_but_its_ring()
    {
        long logs = BytesIn(Instance.LogDirectory) + BytesIn(Instance.VmDirectory(guests.Hostile.Id));
        await guests.InAsync(guests.Hostile, "i=0; while [ $i -lt 18 ]; do head -c 65536 /dev/zero | tr '\\0' 'F'; i=$((i+1)); done > /dev/ttyS0; echo FLOOD-OVER > /dev/ttyS0");
        string said = await guests.Daemon.SaysAsync(guests.Hostile, "FLOOD-OVER");
        Assert.InRange(said.Length, 1, SerialRing.DefaultCapacity);
        Assert.InRange(BytesIn(Instance.LogDirectory) + BytesIn(Instance.VmDirectory(guests.Hostile.Id)), 0, logs + (64 << 10));
    }

    [Fact]
    public async Task The_API_of_the_daemon_does_not_answer_guests_on_any_address_of_the_host()
    {
        string[] addresses =
        [
            Gateway,
            .. NetworkInterface.GetAllNetworkInterfaces()
                .SelectMany(link => link.GetIPProperties().UnicastAddresses)
                .Select(address => address.Address)
                .Where(address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address))
                .Select(address => address.ToString())
                .Where(address => address != Gateway)
                .Take(3),
        ];
        using var listener = new TcpListener(IPAddress.Any, 0); // as an API that an administrator opened to all addresses
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var asked = await guests.InAsync(guests.Hostile, string.Concat(addresses.Select(address => $"echo | nc -w 2 {address} {port} && echo REACHED {address}\n")) + "true");
        Assert.DoesNotContain("REACHED", asked.Output, StringComparison.Ordinal);
        Assert.False(listener.Pending());
        Assert.Contains("bytes from", (await guests.InAsync(guests.Hostile, $"ping -c 3 -W 2 {Gateway}")).Output, StringComparison.Ordinal); // which does answer what it may
    }

    [Fact]
    public async Task Another_address_than_its_own_reaches_nobody()
    {
        string victim = guests.Victim.Spec.Nics[0].Address!;
        string free = Server.Networks.Subnet.Parse(Instance.DefaultSubnet)!.Value.Guest(200);
        var asked = await guests.InAsync(
            guests.Hostile,
            $"ip addr add {free}/24 dev eth0; ping -c 2 -W 1 -I {free} {Gateway}; ping -c 2 -W 1 -I {free} {victim}; ip addr del {free}/24 dev eth0; true");
        Assert.DoesNotContain("bytes from", asked.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Poisoned_neighbour_tables_are_not_had_of_the_victim()
    {
        string victim = guests.Victim.Spec.Nics[0].Address!;
        await guests.InAsync(guests.Victim, $"ping -c 2 -W 2 {Gateway}");
        // Gratuitous ARP for the gateway, as request and as answer.
        await guests.InAsync(guests.Hostile, $"ip addr add {Gateway}/32 dev eth0; arping -c 2 -w 2 -U -I eth0 -s {Gateway} {Gateway}; arping -c 2 -w 2 -A -I eth0 -s {Gateway} {Gateway}; arping -c 2 -w 2 -I eth0 -s {Gateway} {victim}; ip addr del {Gateway}/32 dev eth0");
        string known = Assert.Single((await guests.InAsync(guests.Victim, "cat /proc/net/arp")).Output.Split('\n'), line => line.StartsWith(Gateway + " ", StringComparison.Ordinal));
        Assert.DoesNotContain(guests.Hostile.Spec.Nics[0].Mac, known, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("bytes from", (await guests.InAsync(guests.Victim, $"ping -c 3 -W 2 {Gateway}")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_DHCP_server_in_a_guest_serves_nobody()
    {
        string own = guests.Hostile.Spec.Nics[0].Address!;
        await guests.InAsync(
            guests.Hostile,
            $"mkdir -p /var/lib/misc; touch /var/lib/misc/udhcpd.leases; printf 'start 10.66.0.10\\nend 10.66.0.20\\ninterface eth0\\noption router {own}\\noption subnet 255.255.255.0\\n' > /tmp/d.conf; udhcpd -S /tmp/d.conf");
        var answer = await guests.InAsync(guests.Victim, "printf '#!/bin/sh\\nenv\\n' > /tmp/show; chmod 755 /tmp/show; udhcpc -i eth0 -n -q -t 5 -T 2 -s /tmp/show");
        Assert.Contains($"ip={guests.Victim.Spec.Nics[0].Address}", answer.Output, StringComparison.Ordinal);
        Assert.Contains($"serverid={Gateway}", answer.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("10.66.0.", answer.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_answers_without_end_is_refused_in_time_and_takes_no_memory()
    {
        const string script = """
            sleep 1
            for pid in /proc/[0-9]*; do grep -q qemu-ga $pid/cmdline 2>/dev/null && kill -STOP ${pid#/proc/}; done
            echo LYING
            (printf '{"return":"'; cat /dev/zero | tr '\0' 'x') > /dev/vport1p1 &
            cat /dev/vport1p1 > /dev/null
            """;
        var vm = await guests.Daemon.LaunchAsync(GuestDaemon.SmallLinuxVm("liar", script) with { Disks = [], Nics = [], MemoryMiB = 128 });
        await guests.Daemon.SaysAsync(vm, "LYING");
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var refused = await Assert.ThrowsAsync<LaminaException>(() => guests.InAsync(vm, "true", timeoutSeconds: 4));
        Assert.Contains(refused.Problem.Code, (string[])["agent.unavailable", "agent.refused", "exec.timeout"]);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 64 << 20);
        await guests.AnswersAsync(guests.Victim);
        await guests.Daemon.SucceedsAsync(guests.Daemon.Client.Vms.DeleteAsync(vm.Id, force: true, guests.Deadline));
    }

    private static long BytesIn(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) : 0;
}
