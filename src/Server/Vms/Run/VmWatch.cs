using Lamina.Engine;
using Lamina.Engine.Qmp;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// The ear on one process: passes its events and states to the runner's mailbox in the order in which they were true. A state is asked for and
/// passed on under one turn, so that an older one never follows a newer one.
/// </summary>
internal sealed class VmWatch : IAsyncDisposable
{
    /// <summary>A monitor that takes longer is silent; the engine tells when it speaks again.</summary>
    public static readonly TimeSpan MonitorPatience = TimeSpan.FromSeconds(5);

    private readonly Action<VmMessage> _post;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _end = new();
    private Task _listening = Task.CompletedTask;

    public VmWatch(IVm vm, Action<VmMessage> post, TimeProvider time)
    {
        Vm = vm;
        _post = post;
        _time = time;
    }

    public IVm Vm { get; }

    /// <summary>Begins to listen; called once, after the mailbox knows of this watch.</summary>
    public void Listen() => _listening = Task.Run(ListenAsync);

    /// <summary>Asks for the state and passes it on.</summary>
    public Task RefreshAsync() => PassAsync(null);

    /// <summary>Tells of devices that were given back, or never quite plugged, while no daemon listened.</summary>
    public async Task FindMissingAsync()
    {
        if (!Vm.MonitorAnswers) return;
        foreach (string device in await AskAsync(Vm.FindMissingAsync) ?? []) await PassAsync(new VmDeviceDeleted(Vm.Epoch, Vm.Run, device));
    }

    /// <summary>Detaches: the guest runs on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Vm.DisposeAsync();
        await _listening;
        _end.Dispose();
    }

    private async Task ListenAsync()
    {
        try
        {
            await foreach (var happened in Vm.Events.ReadAllAsync(_end.Token)) await PassAsync(happened);
        }
        catch (OperationCanceledException)
        {
            // Detached.
        }
    }

    private async Task PassAsync(VmEvent? happened)
    {
        await _turn.WaitAsync();
        try
        {
            var state = await StateAfterAsync(happened);
            var problems = state == RunState.IoError ? await AskAsync(Vm.QueryDiskProblemsAsync) ?? [] : [];
            _post(new VmMessage.Told(this, happened, state) { Problems = problems });
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Null: as before, or no answer.</summary>
    private async Task<RunState?> StateAfterAsync(VmEvent? happened) => happened switch
    {
        VmShutdown { IsBySignal: false } => RunState.Shutdown,
        VmShutdown or VmExited or VmMonitorLost or VmDeviceDeleted or VmDeviceChanged or VmReset or VmBlockIoError { Stopped: false } => null,
        _ => (await AskAsync(async token => new Answer(await Vm.QueryStateAsync(token))))?.State,
    };

    /// <summary>Null: no answer in time. Silence is the engine's to judge.</summary>
    private async Task<T?> AskAsync<T>(Func<CancellationToken, Task<T>> question)
        where T : class
    {
        try
        {
            using var deadline = new CancellationTokenSource(MonitorPatience, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _end.Token);
            return await question(either.Token);
        }
        catch (Exception silent) when (silent is OperationCanceledException or QmpClosedException or QmpErrorException or QmpProtocolException)
        {
            return null;
        }
    }

    private sealed record Answer(RunState State);
}
