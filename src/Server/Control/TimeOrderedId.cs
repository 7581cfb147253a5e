using System.Security.Cryptography;

namespace Lamina.Server.Control;

/// <summary>
/// Makes ids whose text order is their order of making (within one process strictly, across hosts by their clocks): 12 hex digits of
/// milliseconds since 1970, 4 of a counter, 8 random.
/// </summary>
internal sealed class TimeOrderedId(TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _last;

    public string Next()
    {
        long ticket;
        lock (_gate)
        {
            // A clock that steps back, or 65,536 ids within one millisecond, must not break the order.
            _last = Math.Max(_last + 1, time.GetUtcNow().ToUnixTimeMilliseconds() << 16);
            ticket = _last;
        }

        return $"{ticket:x16}{RandomNumberGenerator.GetInt32(int.MaxValue):x8}";
    }

    /// <summary>The smallest id of a moment: the edge for pruning what is older.</summary>
    public static string EdgeAt(DateTimeOffset moment) => $"{moment.ToUnixTimeMilliseconds() << 16:x16}";
}
