namespace Lamina.Server.Copies;

/// <summary>Several things in use that are given back together.</summary>
internal sealed class CompositeUse : IDisposable
{
    private readonly List<IDisposable> _parts = [];

    public void Add(IDisposable part) => _parts.Add(part);

    public void Dispose()
    {
        foreach (var part in _parts) part.Dispose();
    }
}
