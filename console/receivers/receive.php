<?php
// Run it with: WEBHOOK_SECRET='whsec_…' php -S 127.0.0.1:9000 receive.php
$secret = base64_decode(preg_replace('/^whsec_/', '', (string) getenv('WEBHOOK_SECRET')));
if ($secret === '') {
    http_response_code(500);
    error_log("set WEBHOOK_SECRET to the webhook's secret, whsec_…");
    exit(1);
}
$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
$time = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
$body = file_get_contents('php://input');

$want = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $secret, true));
$signed = false;
foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $signature) {
    $signed = hash_equals($want, $signature) || $signed;
}
if (!$signed || abs(time() - (int) $time) > 300) {
    http_response_code(401);
    exit;
}
// An event may come twice: $id tells.
$event = json_decode($body, true);
http_response_code(204);
