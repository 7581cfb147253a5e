using System.Collections;
using Lamina.Linux.Native;

namespace Lamina.Linux.Processes;

/// <summary>The program that this process runs (execve(2)).</summary>
public static class ProgramImage
{
    /// <summary>
    /// Lets another program take this process over: pid, outputs, namespaces and supervisor stay, threads and what is open end (our descriptors are close-on-exec).
    /// Returns never. For the beginning of a process, while it has no children that it would have to collect.
    /// </summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">After its name.</param>
    /// <param name="changes">Of the environment; a null takes a variable away.</param>
    /// <exception cref="LinuxException">It could not be run: this program goes on.</exception>
    public static unsafe void Replace(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?> changes)
    {
        var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(entry => (Name: (string)entry.Key, Value: (string?)entry.Value))
            .Where(entry => !changes.ContainsKey(entry.Name))
            .Concat(changes.Select(change => (Name: change.Key, change.Value)))
            .Where(entry => entry.Value is not null)
            .Select(entry => $"{entry.Name}={entry.Value}");
        using var path = new NativeStrings([program]);
        using var given = new NativeStrings([program, .. arguments]);
        using var surroundings = new NativeStrings([.. environment]);
        _ = Libc.execve(path.Pointer[0], given.Pointer, surroundings.Pointer);
        throw LinuxException.Last($"run {program}");
    }
}
