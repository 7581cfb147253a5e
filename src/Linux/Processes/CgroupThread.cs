using System.Runtime.ExceptionServices;

namespace Lamina.Linux.Processes;

/// <summary>
/// Starts a child inside its cgroups of version 1. There a single thread can enter a cgroup, and its child is born in it: without a further program, without
/// a moment outside, and without the wait of some ten milliseconds that the kernel asks for moving another process (only a thread that writes
/// "0", itself, to `tasks` is spared the global lock). The thread is made for this and ends at once, so nothing of us stays in there.
/// </summary>
internal static class CgroupThread
{
    public static int Run(CgroupPlacement? placement, Func<int> start)
    {
        if (placement is not { TaskFiles.Count: > 0 }) return start();
        var processId = 0;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    foreach (var file in placement.TaskFiles) Enter(file);
                    processId = start();
                }
                catch (Exception error)
                {
                    failure = ExceptionDispatchInfo.Capture(error);
                }
            },
            maxStackSize: 256 * 1024) { IsBackground = true, Name = "lamina-spawn" };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return processId;
    }

    private static void Enter(string taskFile)
    {
        using var file = File.OpenHandle(taskFile, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, "0"u8, 0);
    }
}
