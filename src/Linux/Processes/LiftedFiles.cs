using System.Runtime.InteropServices;
using Lamina.Linux.Files;

namespace Lamina.Linux.Processes;

/// <summary>
/// The descriptors for a child as pairs of numbers, in an order that is safe to dup2 one after the other: a source whose own number is among the
/// targets is first duplicated above them all, or an earlier dup2 would overwrite it.
/// </summary>
internal sealed class LiftedFiles : IDisposable
{
    private readonly List<SafeHandle> duplicates = [];
    private readonly HeldHandles held;

    public LiftedFiles(SpawnFiles files)
    {
        List<ChildFile> all = [new(files.Input, 0), new(files.Output, 1), new(files.Error, 2), .. files.Others];
        if (all.GroupBy(file => file.Target).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"the child's descriptor {twice.Key} is given twice");
        var highest = all.Max(file => file.Target);
        try
        {
            held = new([.. all.Select(file => Lift(file.Source, highest + 1))]);
        }
        catch
        {
            Close();
            throw;
        }

        Numbers = [.. all.Zip(held.Numbers, (file, number) => (number, file.Target))];
    }

    public IReadOnlyList<(int Source, int Target)> Numbers { get; }

    public void Dispose()
    {
        held.Dispose();
        Close();
    }

    private SafeHandle Lift(SafeHandle source, int lowest)
    {
        using (var look = new HeldHandles([source]))
            if (look.Numbers[0] >= lowest)
                return source;
        var duplicate = Duplicate.Above(source, lowest);
        duplicates.Add(duplicate);
        return duplicate;
    }

    private void Close()
    {
        foreach (var duplicate in duplicates) duplicate.Dispose();
    }
}
