using System.Net;
using Lamina.Engine.Migration;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Testing;
using Lamina.Testing.Bed;

namespace Lamina.Bench.Migration;

/// <summary>A host without the product: a network of its own, in which a bridge holds the card and the guest's tap.</summary>
internal sealed class BareHost : IDisposable
{
    public const string Bridge = "br0";
    public const string Tap = "tap0";

    /// <param name="bed">Whose network it is plugged into.</param>
    /// <param name="number">Its address is 10.91.0.NUMBER.</param>
    /// <param name="withTap">A tap for the guest is made beforehand, in the script's favour.</param>
    public BareHost(ClusterBed bed, int number, bool withTap)
    {
        Address = $"10.91.0.{number}";
        bed.Plug(Network, BedHost.Link);
        Network.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.Change("lo", new LinkChange { Up = true });
            netlink.CreateBridge(Bridge, new LinkChange { Up = true });
            netlink.AddAddress(Bridge, IPAddress.Parse(Address), 24);
            netlink.Change(BedHost.Link, new LinkChange { Up = true, Master = Bridge });
        });
        if (!withTap) return;
        Shell($"ip tuntap add dev {Tap} mode tap && ip link set dev {Tap} master {Bridge} up");
    }

    public string Address { get; }

    public NetworkNamespace Network { get; } = new();

    /// <summary>What a process shows of itself to other namespaces: enters this network.</summary>
    public ChildProcess Spawn(ChildSpec spec) => Network.Run(() => ChildProcess.Spawn(spec));

    public void Dispose() => Network.Dispose();

    private void Shell(string script)
    {
        using var shell = Spawn(new ChildSpec { Program = "sh", Arguments = ["-c", script], StandardError = ChildOutput.Tail(2000) });
        if (!shell.WaitForExitAsync(CancellationToken.None).GetAwaiter().GetResult().Succeeded)
            throw new InvalidOperationException($"{script}: {System.Text.Encoding.UTF8.GetString(shell.StandardError)}");
    }
}

/// <summary>The certificates of the script's migrations, made once.</summary>
internal static class BareCertificates
{
    /// <summary>In the folder: what QEMU as the target and as the source, and libvirt, look for.</summary>
    /// <returns>The name in the target's certificate.</returns>
    public static string Write(string folder)
    {
        Directory.CreateDirectory(folder);
        var (target, source) = Server.Migration.MigrationCertificates.Make("bench", TimeProvider.System.GetUtcNow());
        File.WriteAllText(Path.Join(folder, "ca-cert.pem"), target.Authority);
        Write(folder, "server", target);
        Write(folder, "client", source);
        return target.TargetName;
    }

    private static void Write(string folder, string endpoint, MigrationCredentials credentials)
    {
        File.WriteAllText(Path.Join(folder, $"{endpoint}-cert.pem"), credentials.Certificate);
        File.WriteAllText(Path.Join(folder, $"{endpoint}-key.pem"), credentials.Key);
    }
}
