using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Testing.Bed;

namespace Lamina.Bench.Migration;

/// <summary>A cluster of real daemons on this machine, with a pool that all of them share and the guest's kernel in it.</summary>
internal sealed class BenchCluster : IAsyncDisposable
{
    private const string SharedPool = "shared";
    private const string Kernel = "bench-kernel";
    private const string Initrd = "bench-initrd";

    private BenchCluster(ClusterBed bed) => Bed = bed;

    public ClusterBed Bed { get; }

    public LaminaClient Client => Bed.Hosts[0].Client;

    public static async Task<BenchCluster> StartAsync(int hosts, BenchOptions options)
    {
        BedHost.Programs = options.Programs;
        var cluster = new BenchCluster(await ClusterBed.StartClusterAsync(hosts));
        try
        {
            await cluster.PrepareAsync(options);
            return cluster;
        }
        catch (Exception failure)
        {
            string words = cluster.Words;
            await cluster.DisposeAsync();
            throw new InvalidOperationException($"{failure.Message}\n{words}", failure);
        }
    }

    /// <summary>Makes a guest and waits until it runs.</summary>
    public async Task<Vm> LaunchAsync(string name, int number, GuestWork work, IReadOnlyList<string>? tags = null)
    {
        var create = new VmCreate
        {
            Name = name,
            MemoryMiB = work.MemoryMiB,
            MaxMemoryMiB = work.MemoryMiB,
            Restart = RestartPolicy.Never,
            Disks = [new VmDiskCreate { SizeBytes = 1 << 30, Pool = SharedPool }],
            Kernel = new VmKernel { Kernel = Kernel, Initrd = Initrd, CommandLine = CommandLine(Ticks.Script(number, work)) },
            Tags = tags,
            Start = true,
        };
        await SucceedsAsync(await Client.Vms.CreateAsync(create, CancellationToken.None));
        return await VmAsync(name);
    }

    public async Task<Vm> VmAsync(string name) => (await Client.Vms.GetAsync(name, CancellationToken.None)).Value;

    public async Task<BedHost> HostOfAsync(string name)
    {
        string id = (await VmAsync(name)).Assignment!.Host;
        string host = (await Client.Hosts.GetAsync(id, CancellationToken.None)).Value.Name;
        return Bed.Hosts.Single(known => known.Name == host);
    }

    /// <summary>The end of an operation, which must have succeeded.</summary>
    public async Task<Operation> SucceedsAsync(Operation operation)
    {
        var ended = await Client.Operations.WaitAsync(operation.Id, null, CancellationToken.None);
        return ended.State is { Phase: OperationPhase.Succeeded } ? ended : throw new InvalidOperationException(
            $"{ended.Request.Kind} has ended as {ended.State?.Phase}: {ended.State?.Failure?.Message}\n{Words}");
    }

    /// <summary>The kernel's, for a guest that runs a command once it is up.</summary>
    public static string CommandLine(string script, string more = "") =>
        $"console=ttyS0 quiet {more}run64={Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(script))}";

    /// <summary>All that the daemons have said.</summary>
    private string Words => string.Join('\n', Bed.Hosts.Select(host => $"{host.Name}: {host.Words}"));

    public ValueTask DisposeAsync() => Bed.DisposeAsync();

    private async Task PrepareAsync(BenchOptions options)
    {
        await Eventually.BecomesAsync(
            async cancellation => await Client.Hosts.ListAsync(cancellation).AllAsync(host => host.Status?.QemuVersion is not null, cancellation), "all hosts know their QEMU");
        var pool = await Client.Pools.CreateAsync(new PoolCreate { Name = SharedPool, Path = Path.Join(Bed.Shared, "pool"), Shared = true }, CancellationToken.None);
        await SucceedsAsync(pool);
        await Eventually.BecomesAsync(
            async cancellation => (await Client.Pools.GetAsync(SharedPool, cancellation)).Value.Hosts.Count(host => host.Status.Available) == Bed.Hosts.Count, "all hosts have the shared pool");
        await UploadAsync(Kernel, Path.Join(options.Media, "vmlinuz"), IsoKind.Kernel);
        await UploadAsync(Initrd, Path.Join(options.Media, "ticker.gz"), IsoKind.Initrd);
    }

    private async Task UploadAsync(string name, string file, IsoKind kind)
    {
        await using var content = File.OpenRead(file);
        var upload = await Client.Uploads.SendAsync(content, new UploadCreate { SizeBytes = content.Length, Pool = SharedPool }, null, CancellationToken.None);
        await SucceedsAsync(await Client.Isos.CreateAsync(new IsoCreate { Name = name, Kind = kind, Upload = upload.Id, Pool = SharedPool }, CancellationToken.None));
    }
}
