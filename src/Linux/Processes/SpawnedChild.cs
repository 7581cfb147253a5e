using System.Runtime.InteropServices;
using Lamina.Linux.Files;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Processes;

/// <summary>A child right after its start, with the captures of its outputs.</summary>
internal sealed class SpawnedChild
{
    private SpawnedChild(OutputCapture? output, OutputCapture? error, int processId, int oomScoreAdjustment, string program)
    {
        Output = output;
        Error = error;
        Pidfd = Processes.Pidfd.TryOpen(processId) ?? throw new LinuxException($"watch {program}", Errno.NoSuchProcess);
        var stat = ProcessStat.Read(processId) ?? throw new LinuxException($"read the start time of {program}", Errno.NoSuchProcess);
        OomProtection.SetChild(processId, oomScoreAdjustment);
        Identity = new(processId, stat.StartTicks, program, HostClock.ReadBootId());
    }

    public ProcessIdentity Identity { get; }

    public SafeFileHandle Pidfd { get; }

    public OutputCapture? Output { get; }

    public OutputCapture? Error { get; }

    public static SpawnedChild Start(ChildSpec spec)
    {
        var program = Programs.Require(spec.Program);
        using var nowhere = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        using var output = new OutputEnd(spec.StandardOutput, nowhere);
        using var error = new OutputEnd(spec.StandardError, nowhere);
        try
        {
            var files = new SpawnFiles(spec.StandardInput ?? nowhere, output.Target, error.Target, spec.Files);
            var command = LaunchCommand.For(spec, program);
            var processId = CgroupThread.Run(spec.Cgroup, () => PosixSpawn.Start(command, spec, files));
            return Complete(output.Capture, error.Capture, processId, spec.OomScoreAdjustment, program);
        }
        catch
        {
            output.Capture?.Dispose();
            error.Capture?.Dispose();
            throw;
        }
    }

    public async Task FinishCapturingAsync()
    {
        if (Output is not null) await Output.FinishAsync().ConfigureAwait(false);
        if (Error is not null) await Error.FinishAsync().ConfigureAwait(false);
    }

    public void StopCapturing()
    {
        Output?.Dispose();
        Error?.Dispose();
    }

    private static SpawnedChild Complete(OutputCapture? output, OutputCapture? error, int processId, int oomScoreAdjustment, string program)
    {
        try
        {
            return new(output, error, processId, oomScoreAdjustment, program);
        }
        catch
        {
            _ = Libc.kill(processId, Signal.Kill);
            _ = Processes.Pidfd.CollectWhenEnded(processId);
            throw;
        }
    }

    /// <summary>Where one output goes: the descriptor for the child, and our reader of it if there is one.</summary>
    private sealed class OutputEnd : IDisposable
    {
        private readonly SafeFileHandle? writeEnd;

        public OutputEnd(ChildOutput output, SafeFileHandle nowhere)
        {
            if ((output.TailBytes ?? output.HeadBytes) is { } limit)
                (Capture, writeEnd) = OutputCapture.Start(limit, keepsTail: output.TailBytes is not null);
            Target = output.Target ?? writeEnd ?? nowhere;
        }

        public OutputCapture? Capture { get; }

        public SafeHandle Target { get; }

        /// <summary>The child has its copy: with ours open the pipe would never end.</summary>
        public void Dispose() => writeEnd?.Dispose();
    }
}
