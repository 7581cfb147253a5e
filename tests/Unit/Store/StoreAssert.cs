using System.Text;
using Lamina.Server.Store;
using Xunit;

namespace Lamina.Tests.Unit.Store;

/// <summary>Items and batches as text, so that two can be compared and a difference can be read.</summary>
internal static class StoreAssert
{
    public static string Show(StoreItem item) =>
        $"{item.Key}={Encoding.UTF8.GetString(item.Value.Span)} created {item.CreateRevision} modified {item.ModRevision} lease {item.LeaseId}";

    /// <summary>Within one revision there is no order.</summary>
    public static string Show(StoreBatch batch) =>
        $"{batch.Revision}: " + string.Join(", ", batch.Changes.OrderBy(change => change.Key, StringComparer.Ordinal).Select(Show));

    public static string Show(StoreEvent change) => change.Item is null ? $"{change.Key} deleted" : Show(change.Item);

    public static string Show(StoreResult result) =>
        $"{(result.Succeeded ? "done" : "refused")} at {result.Revision}: {string.Join(", ", result.ElseItems.Select(Show))}";

    public static void Same(IEnumerable<StoreItem> expected, IEnumerable<StoreItem> actual) =>
        Assert.Equal(expected.Select(Show), actual.Select(Show));

    public static void Same(IEnumerable<StoreBatch> expected, IEnumerable<StoreBatch> actual) =>
        Assert.Equal(expected.Select(Show), actual.Select(Show));
}
