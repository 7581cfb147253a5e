using Lamina.Engine.Qmp;

namespace Lamina.Engine;

/// <summary>What kind of thing failed, for callers that branch.</summary>
public enum VmEngineFailure
{
    /// <summary>The engine's program is not there or not executable.</summary>
    EngineMissing,
    /// <summary>The program ended before it answered.</summary>
    StartFailed,
    /// <summary>A file of the definition cannot be opened.</summary>
    FileUnusable,
    /// <summary>A tap, cgroup or socket of the host could not be had.</summary>
    HostResource,
    /// <summary>The definition is not one this engine can run.</summary>
    BadDefinition,
    /// <summary>A VM with this id already runs on this machine.</summary>
    AlreadyRunning,
    /// <summary>Not while it runs.</summary>
    Impossible,
    /// <summary>No or unreadable <c>definition.json</c>.</summary>
    NoRecord,
}

/// <summary>A VM could not be started or attached. The message names the object, says why and what to do.</summary>
public sealed class VmEngineException : Exception
{
    public VmEngineException(VmEngineFailure failure, string message, string remedy, Exception? innerException = null)
        : base(message, innerException)
    {
        Failure = failure;
        Remedy = remedy;
    }

    public VmEngineFailure Failure { get; }
    /// <summary>One sentence: what a person can do about it.</summary>
    public string Remedy { get; }
    /// <summary>The process's own words, when it got as far as speaking.</summary>
    public string? StderrTail { get; init; }
}

/// <summary>The gate (D3) refused to continue a guest in this state.</summary>
public sealed class ContinueRefusedException(RunState state, string message) : Exception(message)
{
    public RunState State { get; } = state;
}
