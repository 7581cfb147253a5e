namespace Lamina.Linux.Processes;

/// <summary>How a process ended. Both are null for one that was not our child: only its parent learns the reason.</summary>
public sealed record ChildExit(int? ExitCode, int? Signal)
{
    public static ChildExit Unknown { get; } = new(null, null);

    public bool Succeeded => ExitCode == 0;

    public override string ToString() => this switch
    {
        { ExitCode: { } code } => $"ended with exit code {code}",
        { Signal: { } signal } => $"was ended by signal {signal} ({Processes.Signal.NameOf(signal)})",
        _ => "ended",
    };
}
