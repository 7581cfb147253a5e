using System.Diagnostics.CodeAnalysis;
using System.Net;
using Lamina.Engine.Migration;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Testing;
using Lamina.Testing.Bed;

namespace Lamina.Bench.Migration;

/// <summary>A host without the product: a network of its own, in which a bridge holds the card and the guest's tap, and a cgroup for QEMU, so that it competes for CPUs as Lamina's does.</summary>
internal sealed class BareHost : IAsyncDisposable
{
    public const string Bridge = "br0";
    public const string Tap = "tap0";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _parent;
    private readonly CgroupManager _cgroups;

    /// <param name="bed">Whose network it is plugged into.</param>
    /// <param name="number">Its address is 10.91.0.NUMBER.</param>
    /// <param name="withTap">A tap for the guest is made beforehand, in the script's favour.</param>
    public BareHost(ClusterBed bed, int number, bool withTap)
    {
        Address = $"10.91.0.{number}";
        _parent = $"lamina-bare{number}";
        _cgroups = CgroupManager.Detect(_parent);
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

    /// <summary>Starts a program in this network.</summary>
    public ChildProcess Spawn(ChildSpec spec) => Network.Run(() => ChildProcess.Spawn(spec));

    /// <summary>The same in a cgroup of this host.</summary>
    public ChildProcess Spawn(ChildSpec spec, string cgroup) => Spawn(spec with { Cgroup = _cgroups.Create(cgroup, new CgroupLimits()) });

    /// <summary>After the end of what was started in it.</summary>
    public Task ForgetAsync(string cgroup) => _cgroups.RemoveAsync(cgroup, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        foreach (var group in _cgroups.List())
        {
            await _cgroups.KillAllAsync(group.Name, Patience, CancellationToken.None);
            await _cgroups.RemoveAsync(group.Name, CancellationToken.None);
        }

        foreach (string folder in Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Select(root => Path.Join(root, _parent)).Where(Directory.Exists)) Directory.Delete(folder);
        Network.Dispose();
    }

    [SuppressMessage("Usage", "VSTHRD002", Justification = "Short commands of the bench's own process, which has no other work meanwhile.")]
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
    /// <param name="folder">Made here.</param>
    /// <param name="withGroup">A Diffie-Hellman group too, as Lamina gives QEMU one; without it QEMU makes one each time.</param>
    /// <returns>The name in the target's certificate.</returns>
    public static string Write(string folder, bool withGroup)
    {
        Directory.CreateDirectory(folder);
        if (withGroup) File.WriteAllText(Path.Join(folder, "dh-params.pem"), Engine.Qemu.QemuCredentials.DiffieHellmanGroup);
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
