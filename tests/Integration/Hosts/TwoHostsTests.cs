using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Testing;
using Lamina.Testing.Server;
using Lamina.Testing.Storage;

namespace Lamina.Tests.Integration.Hosts;

/// <summary>Two daemons over one store: any of them answers, and what one host alone can do is done there.</summary>
public sealed class TwoHostsTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TestDaemon A => _cluster.A;

    private TestDaemon B => _cluster.B;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync(Token);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Each_host_has_a_default_pool_of_its_own_and_a_VM_runs_where_its_disk_is()
    {
        var pools = await A.Client.Pools.ListAsync(Token).ToListAsync(Token);
        Assert.Equal([("default", A.Daemon.HostId), ("default-hostb", B.Daemon.HostId)], pools.Select(pool => (pool.Name, pool.Spec.Host!)).Order());
        var vm = await MakeAsync(A, "web", "default-hostb");
        Assert.Equal(B.Daemon.HostId, vm.Assignment!.Host);
        Assert.Single(_cluster.EngineB.Started);
        Assert.Empty(_cluster.EngineA.Started);
        Assert.True(Directory.Exists(Path.Join(pools.Single(pool => pool.Name == "default-hostb").Spec.Path, "disks", vm.Spec.Disks[0].Disk)));
    }

    [Fact]
    public async Task A_serial_console_is_carried_to_the_host_of_the_VM_in_both_directions()
    {
        var vm = await MakeAsync(A, "web", "default-hostb");
        var line = _cluster.EngineB.Guest(Guid.Parse(vm.Id)).SerialLine.Far;
        await line.WriteAsync("before "u8.ToArray(), Token);
        using var console = await A.Client.Consoles.OpenAsync(vm.Name, ConsoleKind.Serial, Token);
        await line.WriteAsync("after"u8.ToArray(), Token);
        Assert.Equal("before after", await ReadAsync(console, "before after".Length));
        await console.SendAsync("typed"u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: true, Token);
        byte[] typed = new byte[5];
        await line.ReadExactlyAsync(typed, Token);
        Assert.Equal("typed", Encoding.ASCII.GetString(typed));
        await console.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Token);
    }

    [Fact]
    public async Task What_asks_a_process_is_answered_by_its_host_with_the_callers_name_in_the_audit()
    {
        var vm = await MakeAsync(A, "web", "default-hostb");
        using var arguments = await A.Local.GetAsync($"/v1/vms/{vm.Id}/qemu-args", Token);
        Assert.Equal(HttpStatusCode.OK, arguments.StatusCode);
        Assert.Equal(B.Daemon.HostId, arguments.Headers.GetValues(PeerHeaders.AnsweredBy).Single());

        // Nobody's agent answers in a fake guest: the refusal comes as that host says it.
        using var exec = await A.Local.PostAsJsonAsync($"/v1/vms/{vm.Id}/exec", new JsonObject { ["command"] = new JsonArray("ls"), ["timeoutSeconds"] = 20 }, Token);
        Assert.Equal("agent.unavailable", (string?)(await exec.Content.ReadFromJsonAsync<JsonObject>(Token))!["code"]);
        var audit = await A.Client.Events.ListAuditAsync(Token).ToListAsync(Token);
        Assert.Contains(audit, entry => entry.Subject == "local:0" && entry.Target?.Id == vm.Id && entry.Action.Contains("exec", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_one_hosts_own_is_answered_by_the_host_that_is_named()
    {
        string[] paths = ["/v1/doctor?host=hostb", "/v1/logs?host=hostb", "/v1/orphans?host=hostb", "/v1/metrics/now?host=hostb", "/v1/hosts/hostb/memory", "/v1/hosts/hostb/metrics"];
        foreach (string path in paths)
        {
            using var answer = await A.Local.GetAsync(path, Token);
            Assert.Equal((path, B.Daemon.HostId), (path, answer.Headers.GetValues(PeerHeaders.AnsweredBy).Single()));
        }

        using var bundle = await A.Local.PostAsync("/v1/support-bundle?host=hostb", null, Token);
        Assert.Equal((HttpStatusCode.OK, B.Daemon.HostId), (bundle.StatusCode, bundle.Headers.GetValues(PeerHeaders.AnsweredBy).Single()));
        using var own = await A.Local.GetAsync("/v1/doctor?host=hosta", Token);
        Assert.False(own.Headers.Contains(PeerHeaders.AnsweredBy));
        using var nobody = await A.Local.GetAsync("/v1/doctor?host=hostc", Token);
        Assert.Equal(HttpStatusCode.NotFound, nobody.StatusCode);
        Assert.NotEmpty((await A.Client.Server.DoctorAsync("hostb", Token)).Checks);
    }

    [Fact]
    public async Task Nothing_is_started_on_a_host_in_maintenance_and_its_fitness_says_why()
    {
        await MakeAsync(A, "web", "default-hostb");
        await SucceedsAsync(A, await A.Client.Vms.StopAsync("web", new VmStopRequest { Force = true }, Token));
        await SucceedsAsync(A, await A.Client.Hosts.MaintainAsync("hostb", new HostMaintenanceRequest { Action = HostMaintenanceAction.Enter, Reason = "new disks" }, Token));
        var refused = await Assert.ThrowsAsync<LaminaException>(() => A.Client.Vms.StartAsync("web", Token));
        Assert.Equal("host.maintenance", refused.Problem.Code);
        var host = (await A.Client.Hosts.GetAsync("hostb", Token)).Value;
        Assert.False(host.Fitness!.TakesVms);
        Assert.Equal("Host 'hostb' takes no VMs: it is in maintenance (new disks).", Assert.Single(host.Fitness.Reasons).Message);
        await SucceedsAsync(A, await A.Client.Hosts.MaintainAsync("hostb", new HostMaintenanceRequest { Action = HostMaintenanceAction.Exit }, Token));
        await SucceedsAsync(A, await A.Client.Vms.StartAsync("web", Token));
        Assert.True((await A.Client.Hosts.GetAsync("hostb", Token)).Value.Fitness!.PromisedMiB > 0);
    }

    [Fact]
    public async Task A_user_has_the_same_rights_on_the_host_to_which_a_request_is_carried()
    {
        var vm = await MakeAsync(A, "web", "default-hostb");
        await A.Client.Users.CreateAsync(new UserCreate { Name = "viewer", Password = "correct horse battery", Role = Role.Viewer }, Token);
        var session = await A.Client.Sessions.CreateAsync(new SessionCreate { User = "viewer", Password = "correct horse battery" }, Token);
        using var serial = await SendAsync(HttpMethod.Get, $"/v1/vms/{vm.Id}/serial", session.Token!);
        Assert.Equal(HttpStatusCode.OK, serial.StatusCode);
        Assert.Equal(B.Daemon.HostId, serial.Headers.GetValues(PeerHeaders.AnsweredBy).Single());
        using var refused = await SendAsync(HttpMethod.Get, $"/v1/vms/{vm.Id}/screenshot", session.Token!);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Fact]
    public async Task Whoever_is_no_member_is_not_believed_who_asks()
    {
        using var foreign = new PeerCertificates();
        foreach (var other in (PeerCertificates?[])[null, foreign])
        {
            using var stranger = _cluster.StrangerTo(B, other);
            using var asked = new HttpRequestMessage(HttpMethod.Get, "/v1/hosts") { Headers = { { PeerHeaders.Caller, "local:0" } } };
            using var answer = await stranger.SendAsync(asked, Token);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            using var content = await stranger.GetAsync($"/peer/v1/content/images/{Guid.NewGuid()}", Token);
            Assert.Equal(HttpStatusCode.NotFound, content.StatusCode);
        }

        // Nor on the public listener, whatever the headers say.
        using var plain = new HttpRequestMessage(HttpMethod.Get, new Uri(B.Address, "/v1/hosts")) { Headers = { { PeerHeaders.Caller, "local:0" } } };
        using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } };
        using var client = new HttpClient(handler);
        using var said = await client.SendAsync(plain, Token);
        Assert.Equal(HttpStatusCode.Unauthorized, said.StatusCode);
    }

    [Fact]
    public async Task A_host_that_is_not_reached_is_named_and_the_records_are_still_read()
    {
        var vm = await MakeAsync(A, "web", "default-hostb");
        _cluster.Cut();
        using var answer = await A.Local.GetAsync($"/v1/vms/{vm.Id}/serial", Token);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        var problem = (await answer.Content.ReadFromJsonAsync<JsonObject>(Token))!;
        Assert.Equal("host.unreachable", (string?)problem["code"]);
        Assert.Contains("hostb", (string?)problem["detail"], StringComparison.Ordinal);
        Assert.Equal(VmState.Running, (await A.Client.Vms.GetAsync(vm.Name, Token)).Value.Status!.State);
    }

    [Fact]
    public async Task A_file_sent_to_one_host_lands_on_the_host_of_the_pool_and_is_copied_once_to_the_host_that_needs_it()
    {
        byte[] content = Cpio();
        var upload = await A.Client.Uploads.SendAsync(new MemoryStream(content), new UploadCreate { SizeBytes = content.Length, Pool = "default-hostb" }, null, Token);
        await SucceedsAsync(A, await A.Client.Isos.CreateAsync(new IsoCreate { Name = "initrd", Kind = IsoKind.Initrd, Upload = upload.Id }, Token));
        var iso = (await B.Client.Isos.GetAsync("initrd", Token)).Value;
        var pools = await A.Client.Pools.ListAsync(Token).ToListAsync(Token);
        var pool = pools.ToDictionary(pool => pool.Name, pool => pool.Spec.Path);
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Join(pool["default-hostb"], "isos", iso.Id, "medium"), Token));

        var kernel = await A.Client.Uploads.SendAsync(new MemoryStream(Elf()), new UploadCreate { SizeBytes = Elf().Length }, null, Token);
        await SucceedsAsync(A, await A.Client.Isos.CreateAsync(new IsoCreate { Name = "kernel", Kind = IsoKind.Kernel, Upload = kernel.Id }, Token));
        var create = new VmCreate { Name = "direct", MemoryMiB = 128, Disks = [new VmDiskCreate { SizeBytes = 1 << 20, Pool = "default" }], Nics = [], Kernel = new VmKernel { Kernel = "kernel", Initrd = "initrd" }, Start = true };
        await SucceedsAsync(B, await B.Client.Vms.CreateAsync(create, Token));
        Assert.Single(_cluster.EngineA.Started);
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Join(pool["default"], "isos", iso.Id, "medium"), Token));

        // Deleted with its copy, by each host its own.
        await SucceedsAsync(B, await B.Client.Vms.DeleteAsync("direct", force: true, Token));
        await SucceedsAsync(A, await A.Client.Isos.DeleteAsync("initrd", Token));
        Assert.False(Directory.Exists(Path.Join(pool["default"], "isos", iso.Id)));
        Assert.False(Directory.Exists(Path.Join(pool["default-hostb"], "isos", iso.Id)));
    }

    [Fact]
    public async Task A_thin_clone_on_another_host_gets_a_copy_of_its_image_there()
    {
        using var folder = new TemporaryFolder();
        string raw = Path.Join(folder.Path, "disk.raw");
        DiskFiles.WriteRaw(raw, 8);
        await using (var content = File.OpenRead(raw))
        {
            var upload = await A.Client.Uploads.SendAsync(content, new UploadCreate { SizeBytes = content.Length }, null, Token);
            await SucceedsAsync(A, await A.Client.Images.CreateAsync(new ImageCreate { Name = "os", Upload = upload.Id }, Token));
        }

        var create = new VmCreate { Name = "clone", MemoryMiB = 128, Disks = [new VmDiskCreate { Image = "os", Pool = "default-hostb" }], Nics = [], Start = true };
        await SucceedsAsync(A, await A.Client.Vms.CreateAsync(create, Token));
        var image = (await A.Client.Images.GetAsync("os", Token)).Value;
        var target = (await A.Client.Pools.GetAsync("default-hostb", Token)).Value;
        Assert.Equal([target.Id], image.Copies);
        await DiskFiles.CompareAsync(raw, Path.Join(target.Spec.Path, "images", image.Id, "image.qcow2"));
        Assert.Equal(B.Daemon.HostId, (await A.Client.Vms.GetAsync("clone", Token)).Value.Assignment!.Host);
        Assert.Empty((await B.Local.GetFromJsonAsync<JsonObject>("/v1/orphans", Token))!["items"]!.AsArray());
    }

    [Fact]
    public async Task What_one_host_has_written_another_one_reads_at_once()
    {
        for (int round = 0; round < 20; round++)
        {
            using var made = await A.Local.PostAsJsonAsync("/v1/projects", new JsonObject { ["name"] = $"p{round}" }, Token);
            string revision = made.Headers.GetValues(ApiHeaders.Revision).Single();
            using var asked = new HttpRequestMessage(HttpMethod.Get, $"/v1/projects/p{round}") { Headers = { { ApiHeaders.MinRevision, revision } } };
            using var read = await B.Local.SendAsync(asked, Token);
            Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        }
    }

    [Fact]
    public async Task A_shared_pool_counts_as_walled_once_both_hosts_see_each_others_file_and_lock()
    {
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await SucceedsAsync(A, await A.Client.Pools.CreateAsync(new PoolCreate { Name = "nfs", Path = Path.Join(folder.Path, "pool"), Shared = true }, Token));
        await B.Client.UntilAsync("pools", ApiJson.Default.Pool, pools => pools.Any(pool => pool is { Name: "nfs", Status.Wall: PoolWall.Cluster }), Token);
        var pool = (await A.Client.Pools.GetAsync("nfs", Token)).Value;
        Assert.Equal(["hosta", "hostb"], pool.Hosts.Select(host => host.HostName).Order());
        Assert.All(pool.Hosts, host => Assert.Single(host.Status.LockedOutBy));

        // Another folder in its place is seen on the host that has it.
        File.Delete(Path.Join(pool.Spec.Path, ".lamina-pool"));
        await B.Client.UntilAsync("pools", ApiJson.Default.Pool, pools => pools.Single(known => known.Name == "nfs").Hosts.All(host => host.Status.Failure?.Code == "pool.unavailable"), Token);
    }

    [Fact]
    public async Task An_operation_that_is_bound_to_no_host_is_carried_out_once()
    {
        var network = new NetworkCreate { Name = "lab", Kind = NetworkKind.Isolated, Subnet = "10.99.0.0/24" };
        await A.Client.Networks.CreateAsync(network, Token);
        var operation = await B.Client.Networks.DeleteAsync("lab", Token);
        await SucceedsAsync(A, operation);
        var state = (await B.Client.Operations.GetAsync(operation.Id, Token)).State!;
        var leader = A.Daemon.Cache.Snapshot.Get(Keys.Leader, "")!.Record.Host;
        Assert.Equal(leader, state.Host);
    }

    private static async Task<string> ReadAsync(WebSocket console, int count)
    {
        byte[] read = new byte[count];
        int at = 0;
        while (at < count) at += (await console.ReceiveAsync(read.AsMemory(at), Token)).Count;
        return Encoding.ASCII.GetString(read);
    }

    /// <summary>The least that is taken for an initial RAM disk.</summary>
    private static byte[] Cpio() => [.. "070701"u8, .. new byte[4090]];

    private static byte[] Elf() => [0x7F, .. "ELF"u8, .. new byte[4092]];

    private static async Task SucceedsAsync(TestDaemon host, Operation operation)
    {
        var ended = await host.Client.Operations.WaitAsync(operation.Id, null, Token);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, $"{ended.Request.Kind}: {ended.State.Failure?.Message}");
    }

    private async Task<Vm> MakeAsync(TestDaemon asked, string name, string pool)
    {
        var create = new VmCreate { Name = name, MemoryMiB = 128, Disks = [new VmDiskCreate { SizeBytes = 1 << 20, Pool = pool }], Nics = [], Start = true };
        await SucceedsAsync(asked, await asked.Client.Vms.CreateAsync(create, Token));
        return (await asked.Client.Vms.GetAsync(name, Token)).Value;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string token)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new("Bearer", token);
        return await A.Local.SendAsync(request, Token);
    }
}
