using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>A task that waits in <see cref="EventLoop"/>; it holds the descriptor open, so that its number cannot be reused under epoll.</summary>
internal sealed class EventWaiter
{
    private readonly SafeFileHandle descriptor;

    public EventWaiter(SafeFileHandle descriptor)
    {
        var added = false;
        descriptor.DangerousAddRef(ref added);
        this.descriptor = descriptor;
        Number = (int)descriptor.DangerousGetHandle();
    }

    public int Number { get; }

    public TaskCompletionSource Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CancellationTokenRegistration Cancellation { get; set; }

    public void Release() => descriptor.DangerousRelease();
}
