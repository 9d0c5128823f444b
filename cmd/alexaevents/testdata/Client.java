import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** Prints the statuses that both HTTP clients of Java get from a URL. */
public class Client {
    public static void main(String[] args) throws Exception {
        URI uri = URI.create(args[0]);
        int first = HttpClient.newHttpClient().send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString()).statusCode();
        int second = ((HttpURLConnection) uri.toURL().openConnection()).getResponseCode();
        System.out.println(first + " " + second);
    }
}
