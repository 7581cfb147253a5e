using System.Runtime.InteropServices;

namespace Lamina.Bench;

/// <summary>
/// For how long a guest stood still, seen from outside and alike for whoever runs it. Its one CPU computes without end, so the thread of QEMU that runs
/// it is always runnable (also while it waits for a core); it sleeps only while QEMU holds the guest. The thread's state is read every 0.2 ms.
/// </summary>
internal sealed partial class HaltWatch : IAsyncDisposable
{
    private const int StepMicroseconds = 200;
    private const int Priority = 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _stat;
    private readonly TaskCompletionSource<string> _sampler = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _ends;
    private long _longest;
    private long _coarsest;

    private HaltWatch(int process)
    {
        string task = Directory.EnumerateDirectories($"/proc/{process}/task").First(path => File.ReadAllText(Path.Join(path, "comm")).StartsWith("CPU 0", StringComparison.Ordinal));
        _stat = Path.Join(task, "stat");
    }

    /// <summary>The longest stretch without a step of the guest's CPU.</summary>
    public double LongestMilliseconds => new TimeSpan(_longest * TimeSpan.TicksPerSecond / TimeProvider.System.TimestampFrequency).TotalMilliseconds;

    /// <summary>The longest time between two looks, which is what a halt may be wrong by.</summary>
    public double CoarsestMilliseconds => new TimeSpan(_coarsest * TimeSpan.TicksPerSecond / TimeProvider.System.TimestampFrequency).TotalMilliseconds;

    /// <summary>Begins to look; with a priority that the machine's other work does not delay.</summary>
    public static async Task<HaltWatch> BeginAsync(int process)
    {
        var watch = new HaltWatch(process);
        new Thread(watch.Look) { IsBackground = true, Name = "halt watch" }.Start();
        await Run.OutputAsync("chrt", "-f", "-p", $"{Priority}", await watch._sampler.Task);
        watch._coarsest = 0;
        return watch;
    }

    public async ValueTask DisposeAsync()
    {
        _ends = true;
        await _ended.Task.WaitAsync(Patience);
    }

    private void Look()
    {
        try
        {
            _sampler.SetResult(Path.GetFileName(new FileInfo("/proc/thread-self").LinkTarget!));
            using var stat = File.OpenHandle(_stat);
            byte[] text = new byte[256];
            long before = TimeProvider.System.GetTimestamp();
            long? halted = null;
            // The answer to the last step may come before the guest's CPU has woken up.
            while (!_ends || halted is not null)
            {
                int length = RandomAccess.Read(stat, text, 0);
                long now = TimeProvider.System.GetTimestamp();
                bool runs = text[text.AsSpan(0, length).LastIndexOf((byte)')') + 2] == (byte)'R';
                // A change lies between two looks: half way is the fairest guess.
                long between = before + ((now - before) / 2);
                if (runs)
                {
                    if (halted is { } since) _longest = Math.Max(_longest, between - since);
                    halted = null;
                }
                else halted ??= between;

                _coarsest = Math.Max(_coarsest, now - before);
                before = now;
                _ = Pause(StepMicroseconds);
            }

            _ended.SetResult();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _sampler.TrySetException(failure);
            _ended.SetException(failure);
        }
    }

    // .NET's own pauses are of whole milliseconds.
    [LibraryImport("libc", EntryPoint = "usleep")]
    private static partial int Pause(uint microseconds);
}
