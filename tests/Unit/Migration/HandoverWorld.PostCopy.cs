using Lamina.Server.Migration.Plan;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Post-copy in the model: the guest runs at the target, and neither side is whole without the other.</summary>
internal sealed partial class HandoverWorld
{
    private bool _outruns;
    private bool _converges;
    private bool _isWhole;
    private bool _listensAnew;
    private bool _postCopyBroke;

    private bool IsPostCopy => _sourceQemu is SourceQemu.PostCopy or SourceQemu.PostCopyPaused || _targetQemu is TargetQemu.PostCopy or TargetQemu.PostCopyPaused || (_targetQemu == TargetQemu.Running && !_isWhole);

    private static string Words(StoreState store) => $"{(store.AtSwitch ? " at switch" : "")}{(store.Ended ? " ended" : "")}{(store.Crashed ? " crashed" : "")} {store.Breaks}/{store.Recoveries}";

    private void MovePostCopy()
    {
        if (_sourceQemu != SourceQemu.PostCopy) return;
        _source.Waited = false;
        switch (_targetQemu)
        {
            case TargetQemu.InMigrate:
                _targetQemu = TargetQemu.PostCopy;
                break;
            case TargetQemu.Running when !_isWhole:
                _isWhole = true;
                break;
            case TargetQemu.PostCopy:
                break;
            case TargetQemu.Running or TargetQemu.Loaded:
                _sourceQemu = SourceQemu.Completed;
                break;
            default:
                BreakPostCopy(isNoticed: true);
                break;
        }
    }

    /// <summary>Before the guest is there the source fails, and may run on by itself, or the target waits for what does not come; after that neither goes on without the other.</summary>
    private void BreakPostCopy(bool isNoticed)
    {
        _postCopyBroke = true;
        if (isNoticed && _targetQemu == TargetQemu.InMigrate && _sourceQemu == SourceQemu.PostCopy)
        {
            (_sourceQemu, _sourceRuns, _targetQemu) = (SourceQemu.Failed, true, TargetQemu.Gone);
            return;
        }

        if (_sourceQemu == SourceQemu.PostCopy) _sourceQemu = SourceQemu.PostCopyPaused;
        if (isNoticed && !_isWhole && _targetQemu is TargetQemu.PostCopy or TargetQemu.Running) _targetQemu = TargetQemu.PostCopyPaused;
    }

    /// <returns>False: it is no step of post-copy.</returns>
    private bool ActInPostCopy(Daemon daemon, MigrationStep step)
    {
        switch (step)
        {
            case MigrationStep.StartPostCopy:
                daemon.PostCopyBegun = true;
                return true;
            case MigrationStep.TellAtSwitch:
                Write(daemon, store => store with { AtSwitch = true });
                return true;
            case MigrationStep.Switch:
                daemon.Waited = false;
                if (_sourceQemu == SourceQemu.PreSwitchover) _sourceQemu = _store.AtSwitch && !_converges ? SourceQemu.PostCopy : SourceQemu.Device;
                return true;
            case MigrationStep.PauseSource:
                _sourceRuns = false;
                return true;
            case MigrationStep.TellStanding:
                Write(daemon, store => store with { Failed = true });
                return true;
            case MigrationStep.TellEnded:
                Write(daemon, store => store with { Ended = true });
                return true;
            case MigrationStep.TellBroken:
                Write(daemon, store => store with { Breaks = store.Breaks + 1 });
                return true;
            case MigrationStep.TellWhole:
                Write(daemon, store => store with { TargetWord = 3 });
                return true;
            case MigrationStep.BreakStream:
                if (daemon.Side == MigrationSide.Source) _sourceQemu = SourceQemu.PostCopyPaused;
                else if (!_isWhole) _targetQemu = _targetQemu == TargetQemu.InMigrate ? TargetQemu.Gone : TargetQemu.PostCopyPaused;
                return true;
            case MigrationStep.Recover:
                _listensAnew = true;
                int breaks = daemon.View.Breaks;
                Write(daemon, store => store with { Recoveries = breaks });
                return true;
            case MigrationStep.Reconnect:
                daemon.Tried = daemon.View.Recoveries;
                if (_listensAnew && _targetQemu == TargetQemu.PostCopyPaused) (_sourceQemu, _targetQemu, _listensAnew) = (SourceQemu.PostCopy, _targetRuns ? TargetQemu.Running : TargetQemu.PostCopy, false);
                return true;
            default:
                return false;
        }
    }
}
