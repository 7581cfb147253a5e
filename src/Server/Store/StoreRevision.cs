using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Lamina.Server.Store;

/// <summary>A revision as the API shows it: <c>storeId-n</c>, opaque to clients. Comparable only within one store.</summary>
internal readonly record struct StoreRevision(string StoreId, long Number)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{StoreId}-{Number}");

    public static bool TryParse(string? text, [NotNullWhen(true)] out StoreRevision? revision)
    {
        revision = null;
        int dash = text?.LastIndexOf('-') ?? -1;
        if (dash <= 0) return false;
        if (!long.TryParse(text.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long number)) return false;
        revision = new StoreRevision(text![..dash], number);
        return true;
    }
}
