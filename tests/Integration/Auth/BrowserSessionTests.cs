using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Auth;

/// <summary>What a browser gets of a whole daemon: the page, and a session that no script can read and no other site can use.</summary>
public sealed class BrowserSessionTests(SharedDaemon shared) : IClassFixture<SharedDaemon>
{
    private const string Password = "correct horse battery";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_cookie_opens_the_api_to_the_page_and_to_nobody_else()
    {
        await shared.Daemon.Client.Users.CreateAsync(new UserCreate { Name = "watcher", Password = Password, Role = Role.Viewer }, Token);
        using var http = Http();
        using var login = await http.PostAsync("/v1/sessions", Json($$"""{"user":"watcher","password":"{{Password}}","cookie":true}"""), Token);
        Assert.Equal(HttpStatusCode.Created, login.StatusCode);
        Assert.Null((string?)JsonNode.Parse(await login.Content.ReadAsStringAsync(Token))!["token"]);
        string cookie = Assert.Single(login.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("secure", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        string pair = cookie.Split(';')[0];

        Assert.Equal(HttpStatusCode.OK, await AskAsync(http, HttpMethod.Get, "/v1/whoami", pair, "same-origin"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(http, HttpMethod.Get, "/v1/whoami", pair, "none"));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(http, HttpMethod.Get, "/v1/whoami", pair, "cross-site"));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(http, HttpMethod.Get, "/v1/whoami", pair, "same-site"));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(http, HttpMethod.Get, "/v1/whoami", pair, null));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(http, HttpMethod.Delete, "/v1/sessions/current", pair, "none"));
        Assert.Equal(HttpStatusCode.NoContent, await AskAsync(http, HttpMethod.Delete, "/v1/sessions/current", pair, "same-origin"));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(http, HttpMethod.Get, "/v1/whoami", pair, "same-origin"));
    }

    [Fact]
    public async Task Addresses_of_the_api_are_never_answered_by_the_page()
    {
        using var http = Http();
        foreach (string path in new[] { "/v1/nothing", "/assets/nothing.js", "/openapi/nothing" })
        {
            using var answer = await http.GetAsync(path, Token);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        }

        // The page is there when it was built; a laminad without it says so.
        using var page = await http.GetAsync("/vms/some-vm", Token);
        string content = await page.Content.ReadAsStringAsync(Token);
        if (page.StatusCode == HttpStatusCode.NotFound) Assert.Equal("web.notBuilt", (string?)JsonNode.Parse(content)!["code"]);
        else
        {
            Assert.Contains("<div id=\"app\">", content, StringComparison.Ordinal);
            Assert.Contains("default-src 'self'", Assert.Single(page.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        }
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient http, HttpMethod method, string path, string cookie, string? origin)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Cookie", cookie);
        if (origin is not null) request.Headers.Add("Sec-Fetch-Site", origin);
        using var answer = await http.SendAsync(request, Token);
        return answer.StatusCode;
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private HttpClient Http() => new(new SocketsHttpHandler { UseCookies = false, SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true } }) { BaseAddress = shared.Daemon.Address };
}
