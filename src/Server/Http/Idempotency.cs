using System.Security.Cryptography;
using System.Text;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Http;

/// <summary>
/// The header <c>Idempotency-Key</c> on creations: kept for 24 h in the transaction of its creation, so that a client that lost the answer may
/// ask again and gets what the first request made.
/// </summary>
internal static class Idempotency
{
    public static readonly TimeSpan Kept = TimeSpan.FromHours(24);
    private const int MaxLength = 128;

    /// <exception cref="ProblemException">The key is too long.</exception>
    public static string? KeyOf(HttpContext http)
    {
        string key = http.Request.Headers["Idempotency-Key"].ToString();
        if (key.Length > MaxLength || key.Any(char.IsControl)) throw new ProblemException(
            ProblemKind.Invalid, "idempotency.keyInvalid", $"The Idempotency-Key is longer than {MaxLength} characters.", "Use a UUID.");
        return key.Length == 0 ? null : key;
    }

    /// <summary>What the same key made before; null when it is new.</summary>
    /// <exception cref="ProblemException">422: it was used for another request.</exception>
    public static async ValueTask<(IdempotencyRecord Record, long Revision)?> FindAsync(ApiRequest request, ApiServices services)
    {
        if (KeyOf(request.Http) is not { } key) return null;
        var item = await services.Store.GetAsync(Keys.Idempotency[Keys.IdempotencyId(request.Caller.Subject, key)], request.Aborted);
        if (item is null) return null;
        var record = RecordJson.Read(item, Keys.Idempotency);
        if (IsOver(record, services.Time)) return null;
        if (record.RequestMac != await FingerprintAsync(request, services)) throw new ProblemException(
            ProblemKind.Unprocessable, "idempotency.keyReused", $"The Idempotency-Key '{key}' was used for another request.", "Use a new key for each request.");
        return (record, item.ModRevision);
    }

    public static bool IsOver(IdempotencyRecord record, TimeProvider time) => record.CreatedAt + Kept < time.GetUtcNow();

    /// <summary>Adds the key to the change that makes the object.</summary>
    public static async ValueTask RememberAsync(ApiRequest request, StoreChange change, ObjectReference target, ApiAnswer answer, ApiServices services)
    {
        if (KeyOf(request.Http) is not { } key) return;
        string id = Keys.IdempotencyId(request.Caller.Subject, key);
        var record = new IdempotencyRecord
        {
            RequestMac = await FingerprintAsync(request, services),
            CreatedAt = services.Time.GetUtcNow(),
            Target = target.Id,
            Operation = (answer.Body as Operation)?.Id,
        };
        var former = await services.Store.GetAsync(Keys.Idempotency[id], request.Aborted);
        if (former is null) change.Create(Keys.Idempotency, id, record);
        else if (IsOver(RecordJson.Read(former, Keys.Idempotency), services.Time)) change.Update(Keys.Idempotency, id, record, former.ModRevision);
        else throw new OvertakenException(former.ModRevision);
    }

    private static async ValueTask<string> FingerprintAsync(ApiRequest request, ApiServices services)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, services.FingerprintKey.Span);
        var http = request.Http.Request;
        hash.AppendData(Encoding.UTF8.GetBytes($"{http.Method} {http.Path.Value}{http.QueryString.Value}\n"));
        hash.AppendData((await request.RawBodyAsync()).Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
