using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Lamina.Linux;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Testing;

/// <summary>
/// A network namespace of a test's own, held by one thread. What is run in it, continuations of async code too, runs on that thread; processes started
/// from there live in it. It goes, with everything in it, when it is disposed and its last process ends.
/// </summary>
public sealed class NetworkNamespace : IDisposable
{
    private const int NewNetwork = 0x40000000;

    private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> work = [];
    private readonly Thread thread;

    public NetworkNamespace()
    {
        thread = new(Pump) { IsBackground = true, Name = "network-namespace" };
        thread.Start();
        File = Run(Enter);
    }

    /// <summary>The namespace itself: for the other end of a veth.</summary>
    public SafeFileHandle File { get; }

    public Task RunAsync(Func<Task> code) => RunAsync(async () =>
    {
        await code();
        return true;
    });

    public async Task<T> RunAsync<T>(Func<Task<T>> code)
    {
        var result = new TaskCompletionSource<Task<T>>(TaskCreationOptions.RunContinuationsAsynchronously);
        work.Add((_ => result.SetResult(Start(code)), null));
        return await await result.Task;
    }

    public T Run<T>(Func<T> code)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        using var done = new ManualResetEventSlim();
        work.Add((_ => Do(), null));
        done.Wait();
        failure?.Throw();
        return result!;

        void Do()
        {
            try
            {
                result = code();
            }
            catch (Exception error)
            {
                failure = ExceptionDispatchInfo.Capture(error);
            }

            done.Set();
        }
    }

    public void Run(Action code) => Run(() =>
    {
        code();
        return true;
    });

    public void Dispose()
    {
        work.CompleteAdding();
        thread.Join();
        work.Dispose();
        File.Dispose();
    }

    private static Task<T> Start<T>(Func<Task<T>> code)
    {
        try
        {
            return code();
        }
        catch (Exception error)
        {
            return Task.FromException<T>(error);
        }
    }

    private static SafeFileHandle Enter()
    {
        if (Libc.unshare(NewNetwork) != 0) throw LinuxException.Last("make a network namespace");
        return System.IO.File.OpenHandle("/proc/thread-self/ns/net");
    }

    private void Pump()
    {
        SynchronizationContext.SetSynchronizationContext(new Context(work));
        foreach (var (callback, state) in work.GetConsumingEnumerable()) callback(state);
    }

    private sealed class Context(BlockingCollection<(SendOrPostCallback Callback, object? State)> work) : SynchronizationContext
    {
        /// <summary>What goes on after the namespace was given back (a timer, a line that closes late) goes on elsewhere: it must not end the whole run.</summary>
        public override void Post(SendOrPostCallback d, object? state)
        {
            try
            {
                work.Add((d, state));
            }
            catch (InvalidOperationException)
            {
                ThreadPool.QueueUserWorkItem(_ => d(state));
            }
        }

        public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

        public override SynchronizationContext CreateCopy() => this;
    }
}
