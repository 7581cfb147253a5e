using System.Runtime.InteropServices;

namespace Lamina.Linux.Files;

/// <summary>Keeps handles open while their raw numbers are in use.</summary>
internal sealed class HeldHandles : IDisposable
{
    private readonly List<SafeHandle> held = [];

    public HeldHandles(IEnumerable<SafeHandle> handles)
    {
        foreach (var handle in handles)
        {
            var added = false;
            handle.DangerousAddRef(ref added);
            held.Add(handle);
        }

        Numbers = [.. held.Select(handle => (int)handle.DangerousGetHandle())];
    }

    public IReadOnlyList<int> Numbers { get; }

    public void Dispose()
    {
        foreach (var handle in held) handle.DangerousRelease();
    }
}
