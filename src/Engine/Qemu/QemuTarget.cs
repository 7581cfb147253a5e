using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Linux;

namespace Lamina.Engine.Qemu;

/// <summary>The side to which a guest comes. QEMU listens by itself, on ports that its user may open and its sandbox allows.</summary>
internal sealed class QemuTarget(IVm vm, RuntimeFolder folder, QemuMonitor monitor, QemuMigration migration, QemuCredentials credentials, OutOfBandLine line)
{
    private const string ExportPrefix = "export";
    private const string TakenPrefix = "taken";
    private const int MostRefusals = 3;

    public static string ExportName(int slot) => $"disk{slot}";

    public static IReadOnlyList<int> Slots(IEnumerable<ExportInfo> exports) =>
        [.. exports.Where(export => export.Id.StartsWith(ExportPrefix, StringComparison.Ordinal))
            .Select(export => int.Parse(export.Id.AsSpan(ExportPrefix.Length), CultureInfo.InvariantCulture)).Order()];

    public async Task<MigrationEndpoint> ListenAsync(MigrationListen listen, CancellationToken cancellationToken)
    {
        MigrationRules.Require(listen.Transport, vm.Record.EngineVersion);
        if (listen.Transport.PostCopy)
        {
            if (PostCopySupport.Problem() is { } problem)
                throw new VmEngineException(VmEngineFailure.Impossible, $"No guest can come to this host in post-copy: {problem}", PostCopySupport.Remedy);
            await line.OpenAsync(cancellationToken);
        }

        await StopAsync(cancellationToken);
        var id = await credentials.UseAsync(listen.Credentials, isTarget: true, cancellationToken);
        await monitor.ExecuteAsync(QmpMigrationCommands.SetCapabilities, MigrationSettings.Live(listen.Transport), cancellationToken);
        await monitor.ExecuteAsync(QmpMigrationCommands.SetParameters, MigrationSettings.Of(listen.Transport, id, targetName: null), cancellationToken);
        int? exportPort = listen.ExportSlots.Count == 0 ? null : await ExportAsync(listen, id, cancellationToken);
        CrashPoints.Reached("qmp", "migrate-incoming", "before");
        var port = await OnFreePortAsync(listen, exportPort, port =>
            monitor.ExecuteAsync(QmpMigrationCommands.Incoming, new UriArguments { Uri = MigrationSettings.Uri(listen.Address, port) }, cancellationToken));
        CrashPoints.Reached("qmp", "migrate-incoming", "after");
        return new MigrationEndpoint(listen.Address, port, exportPort);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            // With it go all exports, whoever uses them.
            await monitor.ExecuteAsync(QmpMigrationCommands.StopNbdServer, QmpNothing.Instance, cancellationToken);
            CrashPoints.Reached("qmp", "nbd-server-stop", "after");
        }
        catch (QmpErrorException)
        {
            // There was none.
        }

        // In post-copy a link that breaks is made anew with them.
        if (!await migration.IsUnderWayAsync(cancellationToken)) await credentials.ForgetAsync(cancellationToken);
    }

    public async Task<MigrationEndpoint> RecoverAsync(MigrationListen listen, CancellationToken cancellationToken)
    {
        var client = await OpenLineAsync(cancellationToken);
        var port = await OnFreePortAsync(listen, taken: null, port =>
            client.ExecuteOutOfBandAsync(QmpMigrationCommands.Recover, new UriArguments { Uri = MigrationSettings.Uri(listen.Address, port) }, cancellationToken));
        return new MigrationEndpoint(listen.Address, port, ExportPort: null);
    }

    public Task AnnounceAsync(CancellationToken cancellationToken) =>
        monitor.ExecuteAsync(QmpMigrationCommands.Announce, new AnnounceArguments(), cancellationToken);

    /// <summary>
    /// What came stands on inactive disks, which <c>cont</c> would activate, and before QEMU 10 nothing else does but an export: each is exported for a moment, on a socket that
    /// nobody can connect to. Left inactive, QEMU 7.2 ends itself when the guest is to leave again (bdrv_inactivate_recurse asserts).
    /// </summary>
    public async Task TakeDisksAsync(CancellationToken cancellationToken)
    {
        await StopAsync(cancellationToken);
        using (var nobody = folder.Listen(TakenPrefix))
        {
            File.Delete(folder.SocketPath(TakenPrefix));
            await monitor.ExecuteWithHandleAsync(QmpCommands.GetFd, new FdNameArguments { FdName = TakenPrefix }, nobody.SafeHandle, cancellationToken);
            await monitor.ExecuteAsync(QmpMigrationCommands.StartNbdServerOnFd, new NbdServerOnFdArguments { Addr = new FdAddress { Data = new FdName { Str = TakenPrefix } } }, cancellationToken);
        }

        try
        {
            var devices = await monitor.ExecuteAsync(QmpCommands.QueryBlock, QmpNothing.Instance, cancellationToken);
            foreach (var (disk, number) in devices.Select(device => device.Inserted).OfType<BlockDeviceInfo>().Select((disk, number) => (disk, number)))
            {
                await TakeAsync(disk, string.Create(CultureInfo.InvariantCulture, $"{TakenPrefix}{number}"), cancellationToken);
            }

            CrashPoints.Reached("qmp", "block-export-add", "taken");
        }
        finally
        {
            await StopAsync(CancellationToken.None);
        }
    }

    // To be written by an export, too, it needs its lock: a disk that is another process's still is refused. One that is active is refused as well, by the guest's own device, which writes alone.
    private async Task TakeAsync(BlockDeviceInfo disk, string name, CancellationToken cancellationToken)
    {
        try
        {
            await monitor.ExecuteAsync(QmpMigrationCommands.AddExport, new NbdExportArguments { Id = name, NodeName = disk.NodeName!, Name = name, Writable = !disk.Ro }, cancellationToken);
        }
        catch (QmpErrorException refusal) when (refusal.Message.Contains("unshared by block device", StringComparison.Ordinal))
        {
            // It is the guest's.
        }
    }

    private async Task<QmpClient> OpenLineAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await line.OpenAsync(cancellationToken);
        }
        catch (QmpClosedException exception)
        {
            throw new VmEngineException(VmEngineFailure.Impossible,
                $"VM {vm.Definition.Name} cannot be told to take up its migration again: its QEMU waits for memory of the other host, and the daemon that had a line to it is gone.",
                "Its memory is lost: start it from its disks.", exception);
        }
    }

    private async Task<int> ExportAsync(MigrationListen listen, string? credentialsId, CancellationToken cancellationToken)
    {
        var port = await OnFreePortAsync(listen, taken: null, port => monitor.ExecuteAsync(QmpMigrationCommands.StartNbdServer, new NbdServerArguments
        {
            Addr = new NbdServerAddress { Data = new InetAddress { Host = listen.Address, Port = port.ToString(CultureInfo.InvariantCulture) } },
            TlsCreds = credentialsId,
        }, cancellationToken));
        CrashPoints.Reached("qmp", "nbd-server-start", "after");
        foreach (var slot in listen.ExportSlots)
        {
            var disk = vm.Definition.Disks.FirstOrDefault(disk => disk.Slot == slot)
                ?? throw new VmEngineException(VmEngineFailure.BadDefinition, $"VM {vm.Definition.Name} has no disk in slot {slot}.", "This is a bug: report it.");
            await monitor.ExecuteAsync(QmpMigrationCommands.AddExport, new NbdExportArguments
            {
                Id = $"{ExportPrefix}{slot}", NodeName = DiskChain.Of(disk)[0].Node!, Name = ExportName(slot),
            }, cancellationToken);
        }

        return port;
    }

    // Whether a port is free is tried here first, so that what QEMU refuses is seldom that.
    private static async Task<int> OnFreePortAsync(MigrationListen listen, int? taken, Func<int, Task> useAsync)
    {
        var refusals = 0;
        for (var port = listen.FirstPort; port <= listen.LastPort; port++)
        {
            if (port == taken || !IsFree(listen.Address, port)) continue;
            try
            {
                await useAsync(port);
                return port;
            }
            catch (QmpErrorException) when (++refusals < MostRefusals)
            {
                // Somebody was faster.
            }
        }

        throw new VmEngineException(VmEngineFailure.HostResource,
            $"No port from {listen.FirstPort} to {listen.LastPort} of {listen.Address} is free for a migration.", "Wait until others have ended.");
    }

    /// <exception cref="VmEngineException">The address is none of this host.</exception>
    private static bool IsFree(string address, int port)
    {
        try
        {
            var endpoint = new IPEndPoint(IPAddress.Parse(address), port);
            using var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(endpoint);
            socket.Listen();
            return true;
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return false;
        }
        catch (Exception exception) when (exception is SocketException or FormatException)
        {
            throw new VmEngineException(VmEngineFailure.HostResource, $"{address} is no address of this host on which a guest could arrive: {exception.Message}",
                "Set the host's address for migrations to one that it has.", exception);
        }
    }
}
