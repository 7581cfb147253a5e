using System.Net.NetworkInformation;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Integration.Networks;

/// <summary>A namespace that behaves as a guest, with busybox's clients.</summary>
internal sealed class Guest(NetworkNamespace space, TemporaryFolder folder)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>For sockets of one's own.</summary>
    public NetworkNamespace Space => space;

    public static Task<CommandResult> ShellAsync(NetworkNamespace space, string script) => space.RunAsync(() => Command.RunAsync(
        new() { Program = "sh", Arguments = ["-c", script], Timeout = Patience }, TestContext.Current.CancellationToken));

    public Task<CommandResult> RunAsync(string script) => ShellAsync(space, script);

    public void SetMac(string mac)
    {
        using var netlink = space.Run(() => new Netlink());
        netlink.Change("eth0", new() { Up = false, Mac = PhysicalAddress.Parse(mac.Replace(':', '-').ToUpperInvariant()) });
        netlink.Change("eth0", new() { Up = true });
        netlink.Change("lo", new() { Up = true });
    }

    /// <summary>Asks for an address and configures it, as a guest's own client does.</summary>
    /// <returns>What DHCP gave, as name=value lines; empty: nothing.</returns>
    public async Task<IReadOnlyList<string>> AskAddressAsync(int tries = 10)
    {
        var script = folder.File($"udhcpc-{Guid.NewGuid():N}");
        var given = script + ".given";
        await File.WriteAllTextAsync(script, $"""
            #!/bin/sh
            [ "$1" = bound ] || exit 0
            ip address replace $ip/$mask dev eth0
            ip route replace default via $router
            printf 'ip=%s\nrouter=%s\ndns=%s\nmtu=%s\ndomain=%s\nhostname=%s\n' "$ip" "$router" "$dns" "$mtu" "$domain" "$hostname" > {given}
            """);
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        await RunAsync($"busybox udhcpc -f -q -n -t {tries} -T 1 -i eth0 -O mtu -O hostname -s {script}");
        return File.Exists(given) ? await File.ReadAllLinesAsync(given) : [];
    }

    /// <summary>True when an echo comes back within a second, from one of a few tries.</summary>
    public Task<bool> ReachesAsync(string address, int tries = 1, string options = "") => ReachesAsync(space, address, tries, options);

    public static async Task<bool> ReachesAsync(NetworkNamespace space, string address, int tries, string options = "") =>
        (await ShellAsync(space, $"busybox ping -c {tries} -W 1 {options} {address} | grep -q 'bytes from'")).Exit.Succeeded;
}
