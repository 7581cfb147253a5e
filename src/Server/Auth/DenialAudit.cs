using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Store;

namespace Lamina.Server.Auth;

/// <summary>Names the user of a log-in, so that the audit can.</summary>
internal sealed record AttemptedUser(string Name);

/// <summary>
/// Writes refused requests into the audit, beside the request and bounded: whoever shows nothing must not be able to fill the store, nor to
/// crowd out the refusals of those who are known. What is not written is counted in the log.
/// </summary>
internal sealed partial class DenialAudit(IStore store, AuditLog audit, TimeProvider time, ILogger<DenialAudit> logger)
{
    public const int Burst = 20;
    public static readonly TimeSpan Refill = TimeSpan.FromSeconds(10);

    private readonly RefillingBucket _anonymous = new(Burst, Refill, time);
    private readonly RefillingBucket _identified = new(Burst, Refill, time);
    private readonly Lock _gate = new();
    private StoreChange? _pending;
    private Task _writing = Task.CompletedTask;
    private long _dropped;

    /// <summary>Completes when what was noted so far is written or has failed.</summary>
    public Task Written
    {
        get
        {
            lock (_gate) return _writing;
        }
    }

    public void Note(HttpContext http, ProblemKind kind)
    {
        var caller = Caller.Of(http);
        if (!(caller.IsAnonymous ? _anonymous : _identified).TryTake())
        {
            Interlocked.Increment(ref _dropped);
            return;
        }

        var target = http.Features.Get<AttemptedUser>() is { } user ? new ObjectReference { Kind = "user", Id = user.Name } : null;
        lock (_gate)
        {
            // The entry is built now, since the request's context is gone when it is written.
            bool first = _pending is null;
            audit.Add(_pending ??= new StoreChange("audit.denied"), http, caller.Subject, target, ProblemAnswers.StatusOf(kind));
            if (first) _writing = WriteAfterAsync(_writing);
        }
    }

    private async Task WriteAfterAsync(Task former)
    {
        await Task.Yield();
        await former;
        StoreChange change;
        lock (_gate)
        {
            change = _pending!;
            _pending = null;
        }

        try
        {
            await change.CommitAsync(store, time);
        }
        catch (Exception failure) when (failure is IOException)
        {
            LogNotWritten(logger, failure);
        }

        if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped) LogDropped(logger, dropped);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused requests could not be written into the audit")]
    private static partial void LogNotWritten(ILogger logger, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} more refused requests were not written into the audit, since they came too fast")]
    private static partial void LogDropped(ILogger logger, long count);
}
