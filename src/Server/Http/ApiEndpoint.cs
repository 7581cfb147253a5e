using System.Text.Json.Serialization.Metadata;
using Lamina.Api;

namespace Lamina.Server.Http;

/// <summary>Completes the description of an endpoint just mapped: <c>api.Get(…).Answers(…).Paged()</c>.</summary>
internal sealed class ApiEndpoint(EndpointDescription description)
{
    public EndpointDescription Description { get; } = description;

    /// <summary>The endpoint concerns no project.</summary>
    public ApiEndpoint InstallationWide()
    {
        Description.IsInstallationWide = true;
        return this;
    }

    /// <summary>The body's record: it is checked strictly when the handler calls <see cref="ApiRequest.BodyAsync"/>.</summary>
    public ApiEndpoint Takes(JsonTypeInfo body, bool optional = false)
    {
        Description.Takes = body;
        Description.BodyIsOptional = optional;
        return this;
    }

    /// <summary>A body that is no JSON; the handler reads it from the request and bounds it.</summary>
    public ApiEndpoint TakesBytes(string mediaType = "application/octet-stream")
    {
        Description.TakesMedia = mediaType;
        Description.MaxBodyBytes = null;
        return this;
    }

    public ApiEndpoint Answers(JsonTypeInfo body, int status = StatusCodes.Status200OK)
    {
        Description.Answers = body;
        Description.Status = status;
        return this;
    }

    public ApiEndpoint AnswersMedia(string mediaType)
    {
        Description.AnswersMedia = mediaType;
        return this;
    }

    /// <summary>Answers 204 without a body.</summary>
    public ApiEndpoint AnswersNothing(int status = StatusCodes.Status204NoContent)
    {
        Description.Status = status;
        return this;
    }

    /// <summary>Begins a long job: 202 with its operation.</summary>
    public ApiEndpoint Begins() => Answers(ApiJson.Default.Operation, StatusCodes.Status202Accepted);

    public ApiEndpoint Query(string name, string description)
    {
        Description.Queries.Add(new QueryParameter(name, description));
        return this;
    }

    /// <summary>A list in pages: <c>?limit=&amp;cursor=</c>.</summary>
    public ApiEndpoint Paged() => this
        .Query("limit", $"Entries on a page, 1 to {PageRequest.MaxLimit}; default {PageRequest.DefaultLimit}.")
        .Query("cursor", "Where the page begins: 'next' of the page before.");

    /// <summary>Filters by these members: several words are alternatives (<c>a,b</c>), <c>*</c> stands for anything.</summary>
    public ApiEndpoint Filtered(params ReadOnlySpan<string> names)
    {
        foreach (string name in names) Query(name, $"Only those whose {name} is one of these words, separated by commas; * stands for anything.");
        return this;
    }

    /// <summary>An Idempotency-Key is obeyed: the same request again gets the same object or operation.</summary>
    /// <param name="showAgain">Shows the object made the first time, by its id; needed where no operation is answered.</param>
    public ApiEndpoint Idempotent(Func<ApiRequest, string, ApiAnswer>? showAgain = null)
    {
        Description.IsIdempotent = true;
        Description.ShowAgain = showAgain;
        return this;
    }

    /// <summary>Only one host can answer: the request is carried to it whole, whichever was asked.</summary>
    /// <param name="hostOf">Id of the host; null: whichever is asked.</param>
    public ApiEndpoint OnHost(Func<ApiRequest, string?> hostOf) => OnHost(request => ValueTask.FromResult(hostOf(request)));

    /// <inheritdoc cref="OnHost(Func{ApiRequest, string?})"/>
    public ApiEndpoint OnHost(Func<ApiRequest, ValueTask<string?>> hostOf)
    {
        Description.HostOf = hostOf;
        return this;
    }

    /// <summary>Problem codes worth knowing to scripts, beyond the common ones.</summary>
    public ApiEndpoint Problems(params ReadOnlySpan<string> codes)
    {
        Description.Problems.AddRange(codes);
        return this;
    }
}
