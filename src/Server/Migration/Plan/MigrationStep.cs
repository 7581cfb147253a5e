using Lamina.Api;

namespace Lamina.Server.Migration.Plan;

/// <summary>The next thing that one side of a hand-over does. Each is safe to repeat.</summary>
internal abstract record MigrationStep
{
    /// <summary>Nothing, until something happens or the time is over (null: only when something happens).</summary>
    public sealed record Rest(TimeSpan? For = null) : MigrationStep;

    /// <summary>Sends the transaction of unknown outcome again.</summary>
    public sealed record Settle : MigrationStep;

    /// <summary>This side has nothing more to do with it: the VM's own plan goes on, if it is this host's.</summary>
    public sealed record LetGo : MigrationStep;

    // Source

    /// <summary>Says what the guest runs with, from which the target is made.</summary>
    public sealed record TellDefinition : MigrationStep;

    public sealed record BeginMirrors : MigrationStep;

    public sealed record BeginMigration : MigrationStep;

    public sealed record StartPostCopy : MigrationStep;

    /// <summary>Ends every mirror whole; one that does not makes the hand-over fail.</summary>
    public sealed record EndMirrors : MigrationStep;

    /// <summary><c>migrate-continue</c>.</summary>
    public sealed record Switch : MigrationStep;

    /// <summary>Gives the target its word in the store: from here on the target may have the VM.</summary>
    public sealed record TellCompleted : MigrationStep;

    public sealed record TellAtSwitch : MigrationStep;

    /// <summary>Halts a guest that goes on by itself although the VM may be the target's already.</summary>
    public sealed record PauseSource : MigrationStep;

    /// <summary>Says that its migration failed after the commit, and that the guest stands still here.</summary>
    public sealed record TellStanding : MigrationStep;

    /// <summary>Says that its process is no more, so that nothing but the target can run.</summary>
    public sealed record TellEnded : MigrationStep;

    /// <summary>Post-copy stands still on a broken link: the target shall listen anew.</summary>
    public sealed record TellBroken : MigrationStep;

    /// <summary>Connects post-copy to where the target listens anew.</summary>
    public sealed record Reconnect : MigrationStep;

    /// <summary>Either side: ends a connection of post-copy that carries nothing any more, without waiting for TCP.</summary>
    public sealed record BreakStream : MigrationStep;

    /// <summary>The transaction that gives it up. Whatever follows from it waits for its known success.</summary>
    public sealed record Abort(Failure Why) : MigrationStep;

    /// <summary><c>migrate_cancel</c>, and mirrors too: only after ABORT is known, since at the switch it lets the guest run.</summary>
    public sealed record Cancel : MigrationStep;

    /// <summary>Lets the guest run here again, through the gate.</summary>
    public sealed record ContinueSource : MigrationStep;

    /// <summary>Raises the epoch of the process that stands still to the one that the hand-back gave, and takes the VM's status again.</summary>
    public sealed record TakeBack : MigrationStep;

    /// <summary>Ends this host's process of a VM that is another host's.</summary>
    public sealed record KillSource : MigrationStep;

    /// <summary>Deletes the hand-over and ends its operation, in one transaction.</summary>
    public sealed record Finish : MigrationStep;

    // Target

    /// <summary>Makes QEMU from the source's definition, with its CPUs stopped, and says where it listens.</summary>
    public sealed record Build : MigrationStep;

    public sealed record TellFailed(Failure Why) : MigrationStep;

    /// <summary>Begins to bring the files of a VM at rest, from the source, which keeps it at rest.</summary>
    public sealed record Fetch : MigrationStep;

    /// <summary>The transaction that makes the VM this host's.</summary>
    public sealed record Commit : MigrationStep;

    /// <summary>The marker, then <c>cont</c> through the gate, then the announcement.</summary>
    public sealed record ContinueTarget : MigrationStep;

    /// <summary>Of a guest that stays paused: the process takes its disks, on the gate's word too, and nothing runs.</summary>
    public sealed record HoldTarget : MigrationStep;

    /// <summary>The VM's status is this host's: running, or paused as it was.</summary>
    public sealed record Done : MigrationStep;

    /// <summary>The VM's status is this host's: its process has ended, and may have run.</summary>
    public sealed record ReportCrash(bool MemoryLost) : MigrationStep;

    /// <summary>The transaction that gives the VM back to the source.</summary>
    public sealed record HandBack : MigrationStep;

    /// <summary>Ends this host's process, which never ran, and removes what was made for it.</summary>
    public sealed record Undo : MigrationStep;

    /// <summary>Ends a process that does not get on: post-copy that cannot be recovered.</summary>
    public sealed record KillTarget : MigrationStep;

    /// <summary>Listens anew for a source whose post-copy has lost its link, and says where.</summary>
    public sealed record Recover : MigrationStep;

    /// <summary>Says that all of the guest's memory is here: the source may go.</summary>
    public sealed record TellWhole : MigrationStep;
}
