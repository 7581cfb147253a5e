using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Server.Auth;

namespace Lamina.Server.Cluster;

/// <summary>Copies of etcd's data by <c>etcdctl snapshot</c>, which checks what it writes and what it reads.</summary>
internal sealed class EtcdCopies(Instance instance)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Copies what this host's etcd has. The file appears under its name only when it is whole.</summary>
    public async Task SaveAsync(string file, CancellationToken cancellation)
    {
        string folder = Path.GetDirectoryName(file)!;
        Directory.CreateDirectory(folder, OwnerOnly);
        string temporary = Path.Combine(folder, $".tmp-{Path.GetFileName(file)}");
        string certificate = HostCertificate.FileIn(instance.SecretsDirectory);
        var result = await RunAsync(
            [
                $"--endpoints={EtcdArguments.PrivateClient(instance)}", $"--cacert={HostCertificate.CaFileIn(instance.SecretsDirectory)}",
                $"--cert={certificate}", $"--key={certificate}", "snapshot", "save", temporary,
            ],
            cancellation);
        result.EnsureSuccess();
        File.Move(temporary, file, overwrite: true);
        DurableFile.SyncDirectory(folder);
    }

    /// <summary>Makes a copy the data of a new cluster of etcd, whose id no member of a former one has, so that none of them can vote in it. Its only member is this host's.</summary>
    /// <param name="file">As <see cref="SaveAsync"/> wrote it.</param>
    /// <param name="hostId">Names the member.</param>
    /// <param name="peerUrl">Where others will reach it.</param>
    /// <param name="folder">Does not exist yet.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ProblemException">The file is no snapshot, or a damaged one.</exception>
    public async Task RestoreAsync(string file, string hostId, string peerUrl, string folder, CancellationToken cancellation)
    {
        var result = await RunAsync(
            [
                "snapshot", "restore", file, $"--name={hostId}", $"--data-dir={folder}", $"--initial-cluster={hostId}={peerUrl}",
                $"--initial-advertise-peer-urls={peerUrl}", $"--initial-cluster-token={Guid.NewGuid():n}",
            ],
            cancellation);
        if (!result.Exit.Succeeded) throw new ProblemException(
            ProblemKind.Invalid, "cluster.snapshotInvalid", $"{file} cannot be restored: {result.ErrorText.Trim()}", $"Take another one: the daemon of each voter keeps the last {EtcdSnapshots.Kept} days in {instance.BackupDirectory}.");
    }

    private static Task<CommandResult> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellation) => Command.RunAsync(
        new CommandSpec
        {
            Program = "etcdctl",
            Arguments = arguments,
            Environment = new Dictionary<string, string>(ChildSpec.DefaultEnvironment) { ["ETCDCTL_API"] = "3" },
            Timeout = Patience,
        },
        cancellation);
}
