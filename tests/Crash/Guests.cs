using Lamina.Engine.Qmp;
using Lamina.Linux.Processes;

namespace Lamina.Tests.Crash;

/// <summary>A guest as it was when its daemon died.</summary>
/// <param name="VmId">The VM.</param>
/// <param name="ProcessId">Its QEMU.</param>
/// <param name="State">What its monitor said; null: nothing.</param>
internal sealed record GuestAtDeath(string VmId, int ProcessId, RunState? State)
{
    /// <summary>Its CPUs have run: killing it would cost its user something.</summary>
    public bool HasRun => State is not (null or RunState.PreLaunch or RunState.InMigrate);
}

/// <summary>Guests behind their daemon's back.</summary>
internal static class Guests
{
    public static async Task<IReadOnlyList<GuestAtDeath>> ReadAsync(World world)
    {
        var guests = new List<GuestAtDeath>();
        foreach (var group in world.Cgroups.List())
        {
            foreach (int process in world.Cgroups.ReadMembers(group.Name)) guests.Add(new GuestAtDeath(group.Name, process, await Facts.AskAsync(world, group.Name)));
        }

        return guests;
    }

    public static void Kill(World world, string vmId)
    {
        foreach (int process in world.Cgroups.ReadMembers(vmId))
        {
            if (ProcessIdentity.Read(process) is not { } identity) continue;
            using var qemu = ChildProcess.Adopt(identity);
            qemu?.Send(Signal.Kill);
        }
    }
}
