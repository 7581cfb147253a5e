using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Testing.Storage;

namespace Lamina.Tests.Cluster;

/// <summary>A voter whose file system is really full: that of etcd, of the daemon's own files, and of the pool.</summary>
public sealed class FullDiskTests
{
    /// <summary>etcd takes 64 MiB for each of two pieces of its log at once.</summary>
    private const int DiskMiB = 256;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Length", "long")]
    public async Task ItReadsOnSaysWhyItWritesNothingAndGoesOnByItselfWhenThereIsRoom()
    {
        await using var bed = await ClusterBed.StartAsync(0);
        var host = bed.Add();
        await using var disk = await SmallFileSystem.MountAsync(DiskMiB, host.Instance.DataDirectory);
        File.SetUnixFileMode(disk.Path, (UnixFileMode)0b111_001_001); // dnsmasq's user must find its files below
        await host.StartAsync();
        await host.LaminaAsync("cluster", "init", "--name", "bed");
        await host.LaminaAsync("vm", "launch", "web1", "--memory", "64MiB", "--disk", "10MiB");
        int guest = await GuestAsync(host);

        string ballast = Path.Combine(disk.Path, "ballast");
        await SmallFileSystem.FillAsync(ballast);
        var made = new List<string>();
        string refused = "";
        await Eventually.BecomesAsync(async _ => (refused = await FillWithProjectsAsync(host, made)).Contains("is full. Make room there", StringComparison.Ordinal), "a write is refused, and says why");

        // Reads answer who does not ask for his own last write, the guest runs on, and the status says it, too.
        host.ForgetStore();
        Assert.Equal(guest, await GuestAsync(host));
        Assert.Contains(ProjectRecord.DefaultProject, await ProjectsAsync(host));
        Assert.Contains((await host.Client.Cluster.GetAsync(Cancellation)).Notes, note => note.Contains("is full. Make room there", StringComparison.Ordinal));

        int daemon = host.ProcessId;
        File.Delete(ballast);
        await Eventually.BecomesAsync(async _ => await TryCreateAsync(host, "after") is null, "writes go on");
        var projects = await ProjectsAsync(host);
        Assert.Empty(made.Append("after").Except(projects));
        Assert.Equal(guest, await GuestAsync(host));
        Assert.Equal(daemon, host.ProcessId);
        await host.LaminaAsync("vm", "stop", "web1", "--force");
    }

    /// <summary>Until one is refused.</summary>
    /// <returns>Why.</returns>
    private static async Task<string> FillWithProjectsAsync(BedHost host, List<string> made)
    {
        while (true)
        {
            string name = $"p{Guid.NewGuid():n}"[..20];
            if (await TryCreateAsync(host, name) is { } refusal) return refusal;
            made.Add(name);
        }
    }

    /// <returns>Why not; null: it was.</returns>
    private static async Task<string?> TryCreateAsync(BedHost host, string name)
    {
        try
        {
            await host.Client.Projects.CreateAsync(new Project { Name = name, Description = new string('x', 900) }, Cancellation);
            return null;
        }
        catch (LaminaException refused) when (refused.Problem.Status == 503)
        {
            return refused.Problem.Detail ?? "";
        }
    }

    private static async Task<string[]> ProjectsAsync(BedHost host) => [.. (await host.Client.Projects.ListAsync(Cancellation).ToListAsync(Cancellation)).Select(project => project.Name)];

    /// <summary>Its process.</summary>
    private static async Task<int> GuestAsync(BedHost host)
    {
        var vm = JsonNode.Parse(await host.LaminaAsync("vm", "show", "web1", "--format", "json"))!;
        Assert.Equal("running", (string?)vm["status"]!["state"]);
        return Linux.Cgroups.CgroupManager.Detect(host.Instance.CgroupName).ReadMembers((string)vm["id"]!).Single();
    }
}
