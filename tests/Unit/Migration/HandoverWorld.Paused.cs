using Lamina.Server.Migration.Plan;

namespace Lamina.Tests.Unit.Migration;

/// <summary>A paused guest in the model: it goes over as it is, and runs nowhere.</summary>
internal sealed partial class HandoverWorld
{
    /// <summary>The source's QEMU stands in a state of the migration, out of which only <c>cont</c> leads.</summary>
    private bool _isStuck;

    /// <summary>The target's process has the guest's disks for its own.</summary>
    private bool _hasDisks;

    /// <summary>The daemon dies between the <c>cont</c> and the pause after it.</summary>
    private bool _losesPause;

    /// <summary>The disks of both are in use at once, or it has run where it was to stand.</summary>
    private bool IsTorn => paused && (_targetRuns || (_hasDisks && _sourceRuns && _targetQemu == TargetQemu.Loaded));

    private bool IsHalted => paused ? _isStuck : !_sourceRuns && _sourceQemu is not (SourceQemu.Gone or SourceQemu.AtRest);

    private bool StandsRight(bool atSource) => atSource ? !_sourceRuns && !_isStuck : _hasDisks && !_targetRuns;

    private void FailSource(SourceQemu how)
    {
        (_sourceQemu, _sourceRuns) = (how, !paused);
    }

    private void ContinueSource()
    {
        if (_sourceQemu is SourceQemu.PreSwitchover or SourceQemu.Device) _sourceQemu = SourceQemu.Cancelled;
        if (_sourceQemu is SourceQemu.Gone or SourceQemu.AtRest) return;
        // The engine's migration is over with its guest's first instruction.
        if (paused && _sourceQemu == SourceQemu.Completed) _sourceQemu = SourceQemu.Idle;
        (_isStuck, _sourceRuns) = (false, !paused || _losesPause);
        if (_losesPause) Restart(_source);
        _losesPause = false;
    }

    private void HoldTarget(Daemon daemon)
    {
        _refused = false;
        if (_lockHeld) (_lockHeld, _refused, daemon.Refusing) = (false, true, true);
        else if (_targetQemu is TargetQemu.Loaded) _hasDisks = true;
    }
}
