namespace Lamina.Engine;

/// <summary>What a running VM's definition may become: its devices, their media and files, its sizes and limits; never another machine. Pure.</summary>
public static class RevisionRules
{
    /// <returns>The members that differ and may not; empty = good.</returns>
    public static IReadOnlyList<string> Problems(VmDefinition running, VmDefinition revised)
    {
        var problems = new List<string>();
        Same(running.Id, revised.Id, "id", problems);
        Same(running.Instance, revised.Instance, "instance", problems);
        Same(running.Epoch, revised.Epoch, "epoch", problems);
        Same(running.Run, revised.Run, "run", problems);
        Same(running.LayoutVersion, revised.LayoutVersion, "layoutVersion", problems);
        Same(running.MachineType, revised.MachineType, "machineType", problems);
        Same(running.Accelerator, revised.Accelerator, "accelerator", problems);
        Same(running.CpuModel, revised.CpuModel, "cpuModel", problems);
        if (!running.CpuFlags.SequenceEqual(revised.CpuFlags)) problems.Add("cpuFlags");
        Same(running.MaxCpus, revised.MaxCpus, "maxCpus", problems);
        Same(running.MemoryMiB, revised.MemoryMiB, "memoryMiB", problems);
        Same(running.MaxMemoryMiB, revised.MaxMemoryMiB, "maxMemoryMiB", problems);
        Same(running.Firmware, revised.Firmware, "firmware", problems);
        Same(running.Tpm?.StateFolder, revised.Tpm?.StateFolder, "tpm", problems);
        if (!running.HyperV.SequenceEqual(revised.HyperV)) problems.Add("hyperV");
        Same(running.LocalTimeClock, revised.LocalTimeClock, "localTimeClock", problems);
        Same(running.Watchdog, revised.Watchdog, "watchdog", problems);
        Same(running.Kernel, revised.Kernel, "kernel", problems);
        Same(running.Uid, revised.Uid, "uid", problems);
        Same(running.Gid, revised.Gid, "gid", problems);
        Same(running.RuntimeFolder, revised.RuntimeFolder, "runtimeFolder", problems);
        return problems;
    }

    /// <exception cref="VmEngineException">The revision changes what it may not.</exception>
    public static void Require(VmDefinition running, VmDefinition revised)
    {
        if (Problems(running, revised) is { Count: > 0 } problems)
            throw new VmEngineException(VmEngineFailure.BadDefinition,
                $"VM {running.Name} runs, and a running VM keeps its {string.Join(", ", problems)}.", "This is a bug: report it.");
    }

    private static void Same<T>(T running, T revised, string member, List<string> problems)
    {
        if (!EqualityComparer<T>.Default.Equals(running, revised)) problems.Add(member);
    }
}
