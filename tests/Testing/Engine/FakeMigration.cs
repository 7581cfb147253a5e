using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;

namespace Lamina.Testing.Engine;

/// <summary>
/// One guest on its way between two fakes, as QEMU does it: every step of both sides at once, up to where a test holds it or QEMU waits for its caller.
/// All members are used under the wire's lock.
/// </summary>
internal sealed class FakeMigration(FakeGuest source, FakeGuest target, MigrationSend send)
{
    private readonly bool _wasRunning = source.State == RunState.Running;
    private bool _continues;

    public FakeGuest Source { get; } = source;
    public FakeGuest Target { get; } = target;
    public bool PostCopyWanted { get; set; }
    public bool IsOver => Source.Migration.Phase is MigrationPhase.Completed or MigrationPhase.Failed or MigrationPhase.Cancelled;

    public void ContinueSwitchover()
    {
        _continues = true;
        Advance();
    }

    /// <summary>Goes on as far as it can by itself.</summary>
    public void Advance()
    {
        while (Source.Migration.Hold != Source.Migration.Phase && Next() is { } next) Enter(next);
    }

    public void Cancel()
    {
        if (IsOver) return;
        Leave(MigrationPhase.Cancelled, null);
    }

    /// <summary>The connection is lost, by whatever.</summary>
    public void Break(string why)
    {
        if (IsOver) return;
        if (!Source.Migration.Phase.IsPostCopy())
        {
            Leave(MigrationPhase.Failed, why);
            return;
        }

        if (Source.IsAlive) Source.Enter(MigrationPhase.PostCopyPaused);
        if (Target.IsAlive) Target.Enter(MigrationPhase.PostCopyPaused);
    }

    public void Resume()
    {
        Target.Enter(MigrationPhase.PostCopyActive);
        Source.Enter(MigrationPhase.PostCopyActive);
        Advance();
    }

    private MigrationPhase? Next() => Source.Migration.Phase switch
    {
        MigrationPhase.Setup => MigrationPhase.Active,
        MigrationPhase.Active when Source.Migration.NeedsPostCopy && !PostCopyWanted => null,
        MigrationPhase.Active when send.PauseBeforeSwitchover => MigrationPhase.PreSwitchover,
        MigrationPhase.Active => MigrationPhase.Device,
        MigrationPhase.PreSwitchover when !_continues => null,
        MigrationPhase.PreSwitchover => PostCopyWanted && !Source.Migration.ConvergesAfterAll ? MigrationPhase.PostCopyActive : MigrationPhase.Device,
        MigrationPhase.Device or MigrationPhase.PostCopyActive => MigrationPhase.Completed,
        _ => null,
    };

    private void Enter(MigrationPhase phase)
    {
        if (phase is MigrationPhase.PreSwitchover or MigrationPhase.Device && Source.State is RunState.Running or RunState.Paused) Source.Stand(RunState.FinishMigrate);
        if (phase == MigrationPhase.Active) Target.Enter(MigrationPhase.Active);
        if (phase == MigrationPhase.PostCopyActive) Arrive(phase);
        if (phase == MigrationPhase.Completed)
        {
            Arrive(phase);
            if (Source.Migration.LosesLastHandshake)
            {
                Leave(MigrationPhase.Failed, "the last handshake was lost");
                return;
            }

            Source.Stand(RunState.PostMigrate);
        }

        Source.Enter(phase);
    }

    private void Arrive(MigrationPhase phase)
    {
        if (Target.State == RunState.InMigrate) Target.Stand(RunState.Paused);
        Target.Enter(phase);
    }

    // QEMU lets the guest go on by itself, unless it was paused: then it is left as after a migration; a target that has not everything ends.
    private void Leave(MigrationPhase phase, string? why)
    {
        Source.Migration.Error = why;
        if (Source.IsAlive)
        {
            if (Source.State == RunState.FinishMigrate) Source.Stand(_wasRunning ? RunState.Running : RunState.PostMigrate);
            Source.Enter(phase);
        }

        if (Target.Migration.Phase != MigrationPhase.Completed) Target.Die(exitCode: 1);
    }
}
