namespace Lamina.Server.Store;

/// <summary>One piece of work for the writer: done inside an SQLite transaction that it shares with others, answered after the commit.</summary>
internal abstract class SqliteWrite
{
    private const int Waiting = 0;
    private const int Begun = 1;
    private const int Withdrawn = 2;

    private int _state;

    /// <summary>False: the caller has withdrawn it.</summary>
    public bool TryBegin() => Interlocked.CompareExchange(ref _state, Begun, Waiting) == Waiting;

    /// <summary>False: it has begun, so that its outcome must be waited for.</summary>
    public bool TryWithdraw() => Interlocked.CompareExchange(ref _state, Withdrawn, Waiting) == Waiting;

    /// <summary>Runs again when the SQLite transaction had to be rolled back; only the last run counts.</summary>
    public abstract void Run(SqliteTables tables);

    public abstract void Complete();

    public abstract void Fail(SqliteWriteFailure failure);
}

/// <summary>Why a write could not be answered: in words for people, and in SQLite's.</summary>
internal sealed record SqliteWriteFailure(string Message, Exception? Cause)
{
    /// <summary>It may be on the disk all the same.</summary>
    public bool OutcomeUnknown { get; init; }

    /// <summary>A part of the group may still succeed.</summary>
    public bool TryAlone { get; init; }
}

/// <summary>Work with a result, or a refusal of this piece alone.</summary>
internal sealed class SqliteWrite<T>(Func<SqliteTables, T> work, Func<SqliteWriteFailure, Exception> failureOf) : SqliteWrite
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;
    private StoreLeaseGoneException? _refusal;

    public Task<T> Result => _completion.Task;

    public override void Run(SqliteTables tables)
    {
        _refusal = null;
        try
        {
            _result = work(tables);
        }
        catch (StoreLeaseGoneException refusal)
        {
            // Found before anything was written: the others in the group are not concerned.
            _refusal = refusal;
        }
    }

    public override void Complete()
    {
        if (_refusal is null) _completion.TrySetResult(_result!);
        else _completion.TrySetException(_refusal);
    }

    public override void Fail(SqliteWriteFailure failure) => _completion.TrySetException(failureOf(failure));
}
