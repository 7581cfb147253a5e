using System.Security.Cryptography;
using System.Text;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Cluster.Import;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Store;
using Lamina.Testing.Store;
using Lamina.Testing.Vms;
using Lamina.Tests.Unit.Store;
using Lamina.Tests.Unit.Vms;

namespace Lamina.Tests.Unit.Cluster.Import;

/// <summary>The records of a host that has left its store come into the cluster's: whole, once, and whenever the daemon dies.</summary>
public sealed class StoreImportTests : IDisposable
{
    private const string HostId = "host-2";
    private const string OwnNetwork = "0197aaaa-0000-7000-8000-000000000001";
    private const string TheirNetwork = "0197bbbb-0000-7000-8000-000000000001";

    private static readonly NetworkForward Forward = new() { Id = "f1", Port = 8080, Vm = "vm-1", VmPort = 80 };

    private static readonly ImportMapping Mapping = new()
    {
        Networks = new Dictionary<string, string> { [OwnNetwork] = TheirNetwork },
        Names = new Dictionary<string, string> { ["pool-2"] = "default-two" },
        Projects = ["lab"],
        Users = ["ann"],
    };

    private readonly DirectoryInfo _keys = Directory.CreateTempSubdirectory("lamina-import-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _keys.Delete(recursive: true);

    [Fact]
    public async Task RecordsBecomeTheClusters()
    {
        await using var source = await OwnAsync();
        await using var target = await ClusterAsync();
        await ImportAsync(source, target.Store);

        var vm = (await ReadAsync(target.Store, Keys.Vms.Spec, "vm-1"))!;
        Assert.Equal(TheirNetwork, vm.Nics[0].Network);
        Assert.Equal(HostId, (await ReadAsync(target.Store, Keys.Vms.Assignment, "vm-1"))!.Host);
        Assert.Equal("default-two", (await ReadAsync(target.Store, Keys.Pools.Spec, "pool-2"))!.Name);
        Assert.Equal("pool-2", (await ReadAsync(target.Store, Keys.Names, "-/pool/default-two"))!.Owner);
        Assert.Equal("pool-1", (await ReadAsync(target.Store, Keys.Names, "-/pool/default"))!.Owner);
        Assert.Equal("vm-1", (await ReadAsync(target.Store, Keys.Addresses, $"{TheirNetwork}/192.168.200.10"))!.Owner);
        Assert.Null((await ReadAsync(target.Store, Keys.Names, "default/vm/web1"))!.Joining);
        Assert.Equal(["f1"], (await ReadAsync(target.Store, Keys.Networks.Spec, TheirNetwork))!.Forwards.Select(forward => forward.Id));
        Assert.Null(await target.Store.GetAsync(Keys.Networks.Spec[OwnNetwork], Cancellation));
        Assert.True((await ReadAsync(target.Store, Keys.Hosts.Import, HostId))!.Done);
        Assert.Equal("cluster.imported", RecordJson.Read(Assert.Single(await target.Store.AllAsync("events/")), Keys.Events).Kind);
    }

    [Fact]
    public async Task WhatIsTheHostsOwnOrWouldOpenTheClusterStaysBehind()
    {
        await using var source = await OwnAsync();
        await using var target = await ClusterAsync();
        await ImportAsync(source, target.Store);

        Assert.Equal("theirs", (await ReadAsync(target.Store, Keys.Users, "admin"))!.PasswordHash);
        Assert.NotNull(await ReadAsync(target.Store, Keys.Users, "ann"));
        Assert.Equal(["lab"], (await target.Store.AllAsync("bindings/")).Select(item => RecordJson.Read(item, Keys.Bindings).Scope));
        foreach (string prefix in new[] { "tokens/", "sessions/", "store/", "vnis/", "leader" }) Assert.Empty(await target.Store.AllAsync(prefix));
        Assert.Equal("two", (await ReadAsync(target.Store, Keys.Hosts.Spec, HostId))!.Name);
    }

    [Fact]
    public async Task SecretsAreSealedForTheCluster()
    {
        await using var source = await OwnAsync();
        await using var target = await ClusterAsync();
        await ImportAsync(source, target.Store);

        using var after = Box("after");
        Assert.Equal("password"u8.ToArray(), after.Unseal("s1", (await ReadAsync(target.Store, Keys.Secrets, "s1"))!.Sealed));
    }

    [Fact]
    public async Task ARemovedHostBringsNothing()
    {
        await using var source = await OwnAsync();
        await using var target = await ClusterAsync();
        await target.Store.CommitAsync(new StoreWrite.Delete(Keys.Hosts.Spec[HostId]));
        await Assert.ThrowsAsync<ImportRefusedException>(() => ImportAsync(source, target.Store));
        Assert.Null(await target.Store.GetAsync(Keys.Vms.Spec["vm-1"], Cancellation));
    }

    /// <summary>The cluster's people change and delete what has come already; whoever goes on leaves that alone. Of each object all records are there, or none.</summary>
    [Fact]
    public async Task WheneverItDiesTheNextOneBringsTheRestAndNothingTwice()
    {
        await using var source = await OwnAsync(vms: 120);
        int commits = 0, deaths = 0;
        for (int last = 1; last == 1 || last <= commits; last++)
        {
            foreach (bool diesAfter in new[] { false, true })
            {
                await using var target = await ClusterAsync();
                var mortal = new MortalStore(target.Store) { LastCommit = last, DiesAfter = diesAfter };
                var dying = ImportAsync(source, mortal);
                await mortal.Died.WaitAsync(StoreTestExtensions.Deadline, Cancellation);
                mortal.Bury();
                await Assert.ThrowsAnyAsync<IOException>(() => dying);
                deaths++;

                Assert.Equal((await target.Store.AllAsync("vms/")).Count(item => item.Key.EndsWith("/spec", StringComparison.Ordinal)), (await target.Store.AllAsync("vms/")).Count(item => item.Key.EndsWith("/assignment", StringComparison.Ordinal)));
                bool came = await target.Store.GetAsync(Keys.Vms.Spec["vm-1"], Cancellation) is not null;
                if (came) await target.Store.CommitAsync(new StoreWrite.DeletePrefix(Keys.Vms.All("vm-1")));

                var second = new MortalStore(target.Store);
                await ImportAsync(source, second);
                commits = Math.Max(commits, second.Commits);
                Assert.Equal(came, await target.Store.GetAsync(Keys.Vms.Spec["vm-1"], Cancellation) is null);
                Assert.Equal(came ? 119 : 120, (await target.Store.AllAsync("vms/")).Count(item => item.Key.EndsWith("/spec", StringComparison.Ordinal)));
            }
        }

        Assert.True(deaths > 10, $"only {deaths} deaths");
    }

    private async Task ImportAsync(TestStore source, IStore target)
    {
        using var left = new LeftStore(source.Folder);
        using var before = Box("before");
        using var after = Box("after");
        var host = new ObjectReference { Kind = "host", Id = HostId, Name = "two" };
        await new StoreImport(left, target, new ImportedRecords(Mapping, before, after), host, new EventLog(TimeProvider.System, "two"), TimeProvider.System).RunAsync(Mapping, Cancellation);
    }

    private SecretBox Box(string name)
    {
        string file = Path.Combine(_keys.FullName, name);
        if (!File.Exists(file)) File.WriteAllBytes(file, RandomNumberGenerator.GetBytes(32));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return SecretBox.Open(file);
    }

    private static async Task<T?> ReadAsync<T>(IStore store, RecordKind<T> kind, string id)
        where T : StoredRecord => await store.GetAsync(kind[id], Cancellation) is { } item ? RecordJson.Read(item, kind) : null;

    private async Task<TestStore> OwnAsync(int vms = 1)
    {
        using var box = Box("before");
        var store = TestStore.Create();
        var change = new StoreChange("test")
            .Put(Keys.Hosts.Spec, HostId, new HostSpec { Name = "former" })
            .Put(Keys.Names, "-/host/two", new Claim { Owner = HostId })
            .Put(Keys.Generation, "", new GenerationRecord { Number = 1 })
            .Put(Keys.Networks.Spec, OwnNetwork, new NetworkSpec { Name = "default", Subnet = "192.168.200.0/24", Vni = 7, Forwards = [Forward] })
            .Put(Keys.Vnis, "7", new Claim { Owner = OwnNetwork })
            .Put(Keys.Names, "default/network/default", new Claim { Owner = OwnNetwork })
            .Put(Keys.Addresses, $"{OwnNetwork}/192.168.200.10", new Claim { Owner = "vm-1" })
            .Put(Keys.Pools.Spec, "pool-2", new PoolSpec { Name = "default", Path = "/pool", Host = HostId })
            .Put(Keys.Names, "-/pool/default", new Claim { Owner = "pool-2" })
            .Put(Keys.Projects, "lab", new ProjectSpec { Name = "lab" })
            .Put(Keys.Users, "admin", new UserRecord { Name = "admin", PasswordHash = "own" })
            .Put(Keys.Users, "ann", new UserRecord { Name = "ann" })
            .Put(Keys.Bindings, "b1", new RoleBinding { Subject = "user:ann", Role = Role.Operator, Scope = "lab" })
            .Put(Keys.Bindings, "b2", new RoleBinding { Subject = "user:ann", Role = Role.Admin, Scope = Rights.EveryScope })
            .Put(Keys.Tokens, "ci", new TokenRecord { Name = "ci", User = "ann", SecretSha256 = "x", CreatedAt = DateTimeOffset.UnixEpoch })
            .Put(Keys.Secrets, "s1", new SecretRecord { Owner = "vm-1", Sealed = box.Seal("s1", "password"u8) });
        Assert.True((await change.CommitAsync(store.Store, TimeProvider.System, Cancellation)).Succeeded);
        for (int number = 1; number <= vms; number++)
        {
            string id = $"vm-{number}";
            var nic = new VmNic { Slot = 0, Network = OwnNetwork, Mac = $"52:54:00:00:00:{number:x2}", Address = number == 1 ? "192.168.200.10" : null };
            await new StoreChange("test")
                .Put(Keys.Vms.Spec, id, TestVms.Spec($"web{number}") with { Nics = [nic] })
                .Put(Keys.Vms.Assignment, id, new VmAssignment { Host = HostId, Epoch = 3 })
                .Put(Keys.Names, $"default/vm/web{number}", new Claim { Owner = id })
                .CommitAsync(store.Store, TimeProvider.System, Cancellation);
        }

        return store;
    }

    private static async Task<TestStore> ClusterAsync()
    {
        var store = TestStore.Create();
        var change = new StoreChange("test")
            .Put(Keys.Hosts.Spec, HostId, new HostSpec { Name = "two" })
            .Put(Keys.Names, "-/host/two", new Claim { Owner = HostId })
            .Put(Keys.Names, "-/pool/default", new Claim { Owner = "pool-1" })
            .Put(Keys.Names, "default/vm/web1", new Claim { Owner = "vm-1", Joining = HostId })
            .Put(Keys.Users, "admin", new UserRecord { Name = "admin", PasswordHash = "theirs" })
            .Put(Keys.Networks.Spec, TheirNetwork, new NetworkSpec { Name = "default", Subnet = "192.168.200.0/24" });
        Assert.True((await change.CommitAsync(store.Store, TimeProvider.System, Cancellation)).Succeeded);
        return store;
    }
}
