using System.Text.Json.Serialization.Metadata;

namespace Lamina.Api.Client;

/// <summary><c>/v1/vms</c>. A VM is named by its id or by its name in the project.</summary>
public sealed class VmsClient
{
    private static readonly TimeSpan ExecGrace = TimeSpan.FromSeconds(30);

    /// <summary>A thousand keys take most of a minute.</summary>
    private static readonly TimeSpan KeysPatience = TimeSpan.FromMinutes(3);

    private readonly ApiConnection _connection;

    internal VmsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Vm> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageVm, cancellationToken);

    public Task<Answer<Vm>> GetAsync(string vm, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(vm), ApiJson.Default.Vm, cancellationToken);

    public Task<Operation> CreateAsync(VmCreate create, CancellationToken cancellationToken) => _connection.CreateAsync(
        ApiPath.Of("vms").With("project", create.Project ?? _connection.Project), create, ApiJson.Default.VmCreate, ApiJson.Default.Operation, cancellationToken);

    /// <summary>What it would be, take, and where it would land; nothing is made.</summary>
    public Task<VmForecast> ForecastAsync(VmCreate create, CancellationToken cancellationToken) => _connection.PostAsync(
        ApiPath.Of("vms", "forecast").With("project", create.Project ?? _connection.Project), create, ApiJson.Default.VmCreate, ApiJson.Default.VmForecast, cancellationToken);

    public Task<Vm> UpdateAsync(string vm, VmUpdate update, string? ifMatch, CancellationToken cancellationToken) =>
        _connection.PatchAsync(Path(vm), update, ApiJson.Default.VmUpdate, ApiJson.Default.Vm, ifMatch, cancellationToken);

    /// <summary>What cloud-init is told at the guest's next start, at which it runs again. A member that is null stays as it is.</summary>
    public Task<Vm> UpdateCloudInitAsync(string vm, CloudInitCreate update, CancellationToken cancellationToken) => _connection.PatchAsync(
        Path(vm, "cloud-init"), update, ApiJson.Default.CloudInitCreate, ApiJson.Default.Vm, ifMatch: null, cancellationToken);

    /// <summary>Gives a balloon that was set by hand back to the host's policy.</summary>
    public Task<Vm> ReleaseBalloonAsync(string vm, CancellationToken cancellationToken)
    {
        // The one member whose null means something, which a record leaves out.
        var request = new ApiRequest(HttpMethod.Patch, Path(vm))
        {
            Content = static () => new StringContent("""{"balloonMiB":null}""", System.Text.Encoding.UTF8, "application/merge-patch+json"),
        };
        return _connection.SendAsync(request, ApiJson.Default.Vm, cancellationToken);
    }

    /// <param name="vm">Its name or id.</param>
    /// <param name="force">Cut the power first; else a running VM is refused.</param>
    /// <param name="cancellationToken">Ends the request, not the deletion.</param>
    public Task<Operation> DeleteAsync(string vm, bool force, CancellationToken cancellationToken) => DeleteAsync(vm, force, keepDisks: false, cancellationToken);

    /// <param name="vm">Its name or id.</param>
    /// <param name="force">Cut the power first; else a running VM is refused.</param>
    /// <param name="keepDisks">Its disks stay, as disks of their own.</param>
    /// <param name="cancellationToken">Ends the request, not the deletion.</param>
    public Task<Operation> DeleteAsync(string vm, bool force, bool keepDisks, CancellationToken cancellationToken) => _connection.DeleteAsync(
        Path(vm).With("force", force ? "true" : null).With("keepDisks", keepDisks ? "true" : null), ApiJson.Default.Operation, cancellationToken);

    /// <summary>The operation's result names the VM, and the operation that completes or starts it.</summary>
    public Task<Operation> CloneAsync(string vm, VmClone clone, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(vm, "clone"), clone, ApiJson.Default.VmClone, ApiJson.Default.Operation, cancellationToken);

    /// <summary>The file is then fetched by <see cref="ExportsClient"/> under the operation's id.</summary>
    public Task<Operation> ExportAsync(string vm, VmExport export, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(vm, "export"), export, ApiJson.Default.VmExport, ApiJson.Default.Operation, cancellationToken);

    /// <summary>Moves it to another host.</summary>
    public Task<Operation> MigrateAsync(string vm, VmMigrate migrate, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(vm, "migrate"), migrate, ApiJson.Default.VmMigrate, ApiJson.Default.Operation, cancellationToken);

    /// <summary>What a migration would do, and everything that stands in its way.</summary>
    public Task<MigrationForecast> ForecastMigrationAsync(string vm, VmMigrate migrate, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(vm, "migrate", "forecast"), migrate, ApiJson.Default.VmMigrate, ApiJson.Default.MigrationForecast, cancellationToken);

    /// <summary>Gives it to another host, because its own is dead.</summary>
    public Task<Operation> TakeOverAsync(string vm, VmTakeOver takeOver, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(vm, "take-over"), takeOver, ApiJson.Default.VmTakeOver, ApiJson.Default.Operation, cancellationToken);

    /// <summary>For each host whether it can go there, why not, and how long it would take.</summary>
    public IAsyncEnumerable<VmMobility> GetMobilityAsync(string vm, CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(vm, "mobility"), ApiJson.Default.PageVmMobility, cancellationToken);

    /// <summary>Makes an image from one of its disks.</summary>
    public Task<Operation> CaptureAsync(string vm, VmCapture capture, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(vm, "image"), capture, ApiJson.Default.VmCapture, ApiJson.Default.Operation, cancellationToken);

    public Task<Vm> SetTemplateAsync(string vm, VmTemplateRequest request, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(vm, "template"), request, ApiJson.Default.VmTemplateRequest, ApiJson.Default.Vm, cancellationToken);

    public Task<Operation> StartAsync(string vm, CancellationToken cancellationToken) => ActAsync(vm, "start", cancellationToken);

    public Task<Operation> StartAsync(string vm, VmStartRequest request, CancellationToken cancellationToken) =>
        ActAsync(vm, "start", request, ApiJson.Default.VmStartRequest, cancellationToken);

    public Task<Operation> StopAsync(string vm, VmStopRequest request, CancellationToken cancellationToken) =>
        ActAsync(vm, "stop", request, ApiJson.Default.VmStopRequest, cancellationToken);

    public Task<Operation> ShutdownAsync(string vm, VmShutdownRequest request, CancellationToken cancellationToken) =>
        ActAsync(vm, "shutdown", request, ApiJson.Default.VmShutdownRequest, cancellationToken);

    public Task<Operation> PauseAsync(string vm, CancellationToken cancellationToken) => ActAsync(vm, "pause", cancellationToken);

    public Task<Operation> ResumeAsync(string vm, CancellationToken cancellationToken) => ActAsync(vm, "resume", cancellationToken);

    /// <summary>To disk: its memory waits in a file for the next start.</summary>
    public Task<Operation> SuspendAsync(string vm, CancellationToken cancellationToken) => ActAsync(vm, "suspend", cancellationToken);

    public Task<Operation> ResetAsync(string vm, CancellationToken cancellationToken) => ActAsync(vm, "reset", cancellationToken);

    /// <summary>Runs a program by the guest agent and waits for its end; the daemon bounds that, and so does the request, a little later.</summary>
    public Task<VmExecResult> ExecAsync(string vm, VmExecRequest request, CancellationToken cancellationToken)
    {
        var post = new ApiRequest(HttpMethod.Post, Path(vm, "exec"))
        {
            Content = ApiConnection.JsonBody(request, ApiJson.Default.VmExecRequest, "application/json"),
            Timeout = request.TimeoutSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) + ExecGrace : null,
        };
        return _connection.SendAsync(post, ApiJson.Default.VmExecResult, cancellationToken);
    }

    /// <summary>What the packet filter does for its cards at this moment.</summary>
    public Task<Answer<VmFirewall>> GetFirewallAsync(string vm, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(vm, "firewall"), ApiJson.Default.VmFirewall, cancellationToken);

    /// <summary>Sets the firewall groups of its cards.</summary>
    public Task<Vm> SetFirewallAsync(string vm, VmFirewallUpdate update, CancellationToken cancellationToken) =>
        _connection.PutAsync(Path(vm, "firewall"), update, ApiJson.Default.VmFirewallUpdate, ApiJson.Default.Vm, cancellationToken);

    /// <summary>A picture of its screen, as PNG.</summary>
    public async Task CopyScreenshotAsync(string vm, Stream output, CancellationToken cancellationToken)
    {
        using var response = await _connection.SendAsync(new ApiRequest(HttpMethod.Get, Path(vm, "screenshot")) { Accept = "image/png, application/problem+json" }, cancellationToken);
        await response.Content.CopyToAsync(output, cancellationToken);
    }

    /// <summary>Presses keys; done when all are pressed.</summary>
    public async Task PressKeysAsync(string vm, VmKeysRequest request, CancellationToken cancellationToken)
    {
        var post = new ApiRequest(HttpMethod.Post, Path(vm, "keys"))
        {
            Content = ApiConnection.JsonBody(request, ApiJson.Default.VmKeysRequest, "application/json"),
            Timeout = KeysPatience,
        };
        using var response = await _connection.SendAsync(post, cancellationToken);
    }

    /// <summary>Copies a stream into a file of the guest, by its agent.</summary>
    /// <param name="vm">Its name or id.</param>
    /// <param name="path">Absolute, in the guest.</param>
    /// <param name="mode">In octal; null: as the agent makes files.</param>
    /// <param name="owner">user or user:group; null: the agent's.</param>
    /// <param name="content">Read to its end, once; seekable where progress is told.</param>
    /// <param name="progress">Told how many bytes have gone; null: nobody.</param>
    /// <param name="cancellationToken">Gives up; what was written stays.</param>
    public async Task PushFileAsync(string vm, string path, string? mode, string? owner, Stream content, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var put = new ApiRequest(HttpMethod.Put, Path(vm, "file").With("path", path).With("mode", mode).With("owner", owner))
        {
            Content = () => new StreamContent(progress is null ? content : new ProgressStream(content, 0, progress)),
            Streams = true,
        };
        using var response = await _connection.SendAsync(put, cancellationToken);
    }

    /// <summary>Copies a file of the guest into a stream, by its agent.</summary>
    /// <exception cref="IOException">The file broke off: what came is not all of it.</exception>
    public async Task PullFileAsync(string vm, string path, Stream output, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var get = new ApiRequest(HttpMethod.Get, Path(vm, "file").With("path", path)) { Accept = "application/octet-stream, application/problem+json", Streams = true };
        using var response = await _connection.SendAsync(get, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[128 * 1024];
        long come = 0;
        while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            await output.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            progress?.Report(come += count);
        }
    }

    /// <summary>What happened to it and what QEMU said, oldest first.</summary>
    public Task<string> GetLogAsync(string vm, CancellationToken cancellationToken) => _connection.GetTextAsync(Path(vm, "log"), cancellationToken);

    /// <summary>The command line of its QEMU, an argument a line.</summary>
    public Task<string> GetQemuArgumentsAsync(string vm, CancellationToken cancellationToken) => _connection.GetTextAsync(Path(vm, "qemu-args"), cancellationToken);

    /// <summary>Its figures over time; see <see cref="MetricsClient"/> for the words of the range.</summary>
    public Task<MetricHistory> GetMetricsAsync(string vm, MetricRange range, CancellationToken cancellationToken) =>
        _connection.SendAsync(new ApiRequest(HttpMethod.Get, range.AddTo(Path(vm, "metrics"))), ApiJson.Default.MetricHistory, cancellationToken);

    /// <summary>Copies what the serial line said until now (at most 1 MiB).</summary>
    public async Task CopySerialHistoryAsync(string vm, Stream output, CancellationToken cancellationToken)
    {
        using var response = await _connection.SendAsync(new ApiRequest(HttpMethod.Get, Path(vm, "serial")) { Accept = "*/*" }, cancellationToken);
        await response.Content.CopyToAsync(output, cancellationToken);
    }

    private Task<Operation> ActAsync(string vm, string verb, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(vm, verb), ApiJson.Default.Operation, cancellationToken);

    private Task<Operation> ActAsync<TBody>(string vm, string verb, TBody body, JsonTypeInfo<TBody> type, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(vm, verb), body, type, ApiJson.Default.Operation, cancellationToken);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["vms", .. parts]).With("project", _connection.Project);
}
