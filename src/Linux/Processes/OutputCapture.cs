using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Processes;

/// <summary>Reads a pipe to its end and keeps a bounded part of it. No thread waits for it.</summary>
internal sealed class OutputCapture : IDisposable
{
    private const int ChunkBytes = 16 * 1024;
    private const int PipeBytes = 64 * 1024;
    private const int SetStatusFlags = 4;

    private readonly Lock gate = new();
    private readonly CancellationTokenSource stop = new();
    private readonly SafeFileHandle pipe;
    private readonly int limitBytes;
    private readonly bool keepsTail;
    private readonly Task reading;
    private byte[] kept = [];

    private OutputCapture(SafeFileHandle pipe, int limitBytes, bool keepsTail)
    {
        this.pipe = pipe;
        this.limitBytes = limitBytes;
        this.keepsTail = keepsTail;
        reading = Task.Run(ReadAsync);
    }

    public byte[] Kept
    {
        get
        {
            lock (gate) return kept;
        }
    }

    /// <summary>Makes the pipe; its write end is for the child and must be closed here after the start.</summary>
    public static unsafe (OutputCapture Capture, SafeFileHandle WriteEnd) Start(int limitBytes, bool keepsTail)
    {
        var numbers = stackalloc int[2];
        if (Libc.pipe2(numbers, Libc.OpenCloseOnExec) != 0) throw LinuxException.Last("create a pipe");
        var read = new SafeFileHandle(numbers[0], ownsHandle: true);
        var write = new SafeFileHandle(numbers[1], ownsHandle: true);
        _ = Libc.fcntl(numbers[0], SetStatusFlags, Libc.NonBlocking); // ours only: the child's end stays as programs expect it
        return (new(read, limitBytes, keepsTail), write);
    }

    /// <summary>Takes what is in the pipe and ends, even if a grandchild still holds it: for when the writer that matters has ended.</summary>
    public async Task FinishAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await reading.ConfigureAwait(false);
    }

    public void Dispose()
    {
        stop.Cancel();
        pipe.Dispose();
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[ChunkBytes];
        try
        {
            while (ReadAvailable(buffer))
                await EventLoop.Shared.WaitAsync(pipe, Readiness.Read, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            ReadLast(buffer);
        }
        catch (ObjectDisposedException)
        {
            // let go of between two reads
        }
        finally
        {
            pipe.Dispose();
        }
    }

    /// <summary>What a pipe can hold, and no more: somebody who holds it yet might write without end.</summary>
    private void ReadLast(byte[] buffer)
    {
        try
        {
            for (var left = PipeBytes; left > 0 && ReadOnce(buffer, out _) is > 0 and var count; left -= count) Keep(buffer.AsSpan(0, count));
        }
        catch (ObjectDisposedException)
        {
            // nobody wants it any more
        }
    }

    /// <returns>False at the end of the pipe.</returns>
    private bool ReadAvailable(byte[] buffer)
    {
        while (!stop.IsCancellationRequested)
        {
            var count = ReadOnce(buffer, out var errorNumber);
            if (count > 0) Keep(buffer.AsSpan(0, count));
            else if (errorNumber != Errno.Interrupted) return errorNumber == Errno.TryAgain;
        }

        return true;
    }

    private unsafe int ReadOnce(byte[] buffer, out int errorNumber)
    {
        fixed (byte* start = buffer)
        {
            var count = (int)Libc.read(pipe, start, (nuint)buffer.Length);
            errorNumber = count < 0 ? Marshal.GetLastPInvokeError() : 0;
            return count;
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        lock (gate)
        {
            if (!keepsTail && kept.Length >= limitBytes) return;
            byte[] all = [.. kept, .. bytes];
            kept = all.Length <= limitBytes ? all : keepsTail ? all[^limitBytes..] : all[..limitBytes];
        }
    }
}
