using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Events;

/// <summary>Who asked for what: each write in the transaction of its change (decision 14). Reads are not audited.</summary>
internal sealed class AuditLog(TimeProvider time)
{
    private readonly TimeOrderedId _ids = new(time);

    /// <summary>Fits <see cref="ApiServices.OnCommit"/>.</summary>
    public void Add(ApiRequest request, StoreChange change, ObjectReference? target, int statusCode) =>
        Add(change, request.Http, request.Caller.Subject, target, statusCode);

    /// <summary>For what is no commit of a handler: refused log-ins, permissions not had.</summary>
    public void Add(StoreChange change, HttpContext http, string subject, ObjectReference? target, int statusCode)
    {
        string id = _ids.Next();
        change.Create(Keys.Audit, id, new AuditEntry
        {
            Id = id,
            Time = time.GetUtcNow(),
            Subject = subject,
            RemoteAddress = http.Connection.RemoteIpAddress?.ToString(),
            Action = $"{http.Request.Method} {http.Request.Path.Value}",
            Target = target,
            StatusCode = statusCode,
            RequestId = RequestIds.Of(http),
        });
    }
}
