using System.Text.Json.Serialization;

namespace Lamina.Server;

/// <summary>A version that has not proved itself yet.</summary>
internal sealed record VersionTrial
{
    public required string Version { get; init; }

    /// <summary>On whose account.</summary>
    public required string Operation { get; init; }

    /// <summary>It was started: when that happens again without a proof in between, it has failed.</summary>
    public bool Begun { get; init; }

    /// <summary>What it said at its end; null: nothing.</summary>
    public string? Failure { get; init; }
}

/// <summary>
/// Which of the versions that lie on this host is to run: <c>versions/state.json</c>. Read by the installed program whatever newer versions it has started, so that it may only grow.
/// </summary>
internal sealed record ChosenVersion
{
    /// <summary>The version that has proved itself last; null: the one that is installed.</summary>
    public string? Current { get; init; }
    public VersionTrial? Trial { get; init; }

    /// <summary>The trial that failed last; null: none, or one has succeeded since.</summary>
    public VersionTrial? Failed { get; init; }

    /// <summary>
    /// What the installed program does at its start (pure): a version on trial is started once; when it comes to a second start it has ended without its proof, and the one before runs again.
    /// </summary>
    /// <param name="installed">Its own version.</param>
    /// <param name="isThere">Whether a version lies on this host.</param>
    /// <returns>What is to be kept in mind before, and the version to run; null: the installed one itself.</returns>
    public (ChosenVersion Next, string? Run) Choose(string installed, Func<string, bool> isThere)
    {
        if (Trial is { Begun: false } fresh && isThere(fresh.Version)) return (this with { Trial = fresh with { Begun = true } }, fresh.Version);
        var next = Trial is null ? this : Fail(null);
        // Who installs a newer package wants that one.
        return (next, Current is { } current && isThere(current) && ProgramVersion.Compare(current, installed) > 0 ? current : null);
    }

    /// <summary>The trial has failed.</summary>
    /// <param name="why">Null: as it said itself, if it did.</param>
    public ChosenVersion Fail(string? why) => this with { Trial = null, Failed = Trial! with { Failure = why ?? Trial.Failure } };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChosenVersion))]
internal sealed partial class ChosenVersionJson : JsonSerializerContext;
